"""Pictures of results: read once from the bucket, drawn in a process of their own, kept in the state."""
