"""Object storage: listings, claims, policies, messages."""
