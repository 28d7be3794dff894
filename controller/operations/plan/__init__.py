"""`shjobs plan`: what the next sync would submit, and why."""
