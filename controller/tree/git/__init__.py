"""Git, without obeying any setting of a repository."""
