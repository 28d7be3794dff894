"""What is behind each command; `cli` and `daemon` are its doors."""
