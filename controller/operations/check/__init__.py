"""`shjobs check`: errors and hints of manifests, without credentials."""
