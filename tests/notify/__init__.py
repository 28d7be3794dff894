"""Notifications: what becomes a message, how it is sent, and what is promised of it."""
