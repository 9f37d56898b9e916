"""What pages show and do: one Reflex state for each page, all below the session."""
