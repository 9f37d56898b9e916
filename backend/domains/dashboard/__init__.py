"""The dashboard: key figures of a tenant, gathered from the modules that give metrics."""
