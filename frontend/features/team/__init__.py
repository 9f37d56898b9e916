"""Members and invitations of a company."""
