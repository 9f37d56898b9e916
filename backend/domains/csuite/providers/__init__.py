"""Language models: one interface, one implementation for each ``LLM_PROVIDER``."""
