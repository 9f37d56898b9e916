"""Companies: membership, business profile, onboarding, keys, limits and use."""
