"""OCSuite module SDK."""
