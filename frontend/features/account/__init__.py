"""Signing in and up, passwords, and the proof of an address; or Clerk's forms in their place."""
