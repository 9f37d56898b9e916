"""A folder for each feature: its pages, their state, parts, words and style."""
