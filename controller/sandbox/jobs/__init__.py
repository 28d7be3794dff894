"""The life of a request in the sandbox."""
