"""Roles, and API keys."""
