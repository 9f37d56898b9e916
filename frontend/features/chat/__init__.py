"""The chat with an executive."""
