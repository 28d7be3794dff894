"""Decides whether the signature of a commit is of someone who is trusted (DESIGN §15): `verifier` and `since`."""
