"""What the loop keeps of sets between turns: their money rules, and what the reporter adds up."""
