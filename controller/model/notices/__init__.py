"""What is sent to receivers, as values."""
