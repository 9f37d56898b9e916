"""Building blocks without a state of their own."""
