"""Work that nobody waits for, as domains declare it and workers do it."""
