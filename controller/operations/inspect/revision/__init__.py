"""Which commit the controller has taken in, and what became of it."""
