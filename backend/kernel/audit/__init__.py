"""Recording what was done, in the transaction that does it."""
