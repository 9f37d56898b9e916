"""A company set up, its settings, and its end."""
