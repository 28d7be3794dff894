"""What the reporter keeps of sets between turns."""
