"""One package per domain; a domain sees another only through its ``ports`` module."""
