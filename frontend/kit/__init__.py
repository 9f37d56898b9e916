"""Mechanisms of the web app that pages and states share."""
