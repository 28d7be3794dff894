"""`shjobs doctor`: settings, credentials, buckets and state, each with what to do."""
