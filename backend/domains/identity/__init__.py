"""People: local accounts, sessions, access tokens, and Clerk as the alternative to all three."""
