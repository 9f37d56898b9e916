"""The audit log: what was done or refused in a company, sealed into a chain that nobody can quietly rewrite."""
