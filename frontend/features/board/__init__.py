"""The preview of the board meeting."""
