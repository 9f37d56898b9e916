"""A person's companies, and the way to one of them."""
