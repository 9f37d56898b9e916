"""The one way out to other services."""
