"""What `make` calls to keep the project in order."""
