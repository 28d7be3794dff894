"""Git, without applying any setting of a repository."""
