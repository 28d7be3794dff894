"""How a message is written down and sent, for each kind of receiver."""
