"""What can be said about a request before it is paid for: script facts, hints, compatibility, cost. Pure."""
