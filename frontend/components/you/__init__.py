"""The parts of the page about the person's own account."""
