"""`shjobs import` and `shjobs init`: new manifests and repositories."""
