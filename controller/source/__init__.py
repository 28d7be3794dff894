"""Fetches the tree of manifests from a repository, verifies it, and swaps it in (DESIGN §15)."""
