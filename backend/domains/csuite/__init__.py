"""Conversations with executives, their streamed answers, and the board meeting."""
