"""What can be known of a request before it is paid for: script facts, hints, compatibility, cost. Pure."""
