"""The frame around the pages, and what several features' pages have in common beside it."""
