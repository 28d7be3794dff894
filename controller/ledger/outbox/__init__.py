"""The outbox: events recorded with the turn that caused them, and the messages that carry them to receivers."""
