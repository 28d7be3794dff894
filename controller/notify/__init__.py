"""Sends what an operator should hear of: messages, and the status of commits (DESIGN §16)."""
