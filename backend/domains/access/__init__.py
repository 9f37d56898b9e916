"""Who may do what in a company: permissions, roles, members, invitations, API keys, and the gate."""
