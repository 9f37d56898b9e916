"""Work whose events outlive a connection."""
