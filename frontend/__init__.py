"""The web app: Reflex pages in front of the HTTP API."""
