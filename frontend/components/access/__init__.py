"""Parts of the pages about roles and API keys."""
