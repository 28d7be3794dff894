"""Receivers of messages: how a message is written down for each kind, and how it is sent."""
