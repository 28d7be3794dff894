"""`shjobs fetch`: results from the bucket to local files."""
