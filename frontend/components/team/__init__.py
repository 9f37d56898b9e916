"""Parts of the pages about the team."""
