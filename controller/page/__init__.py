"""The page: what the ledger says as HTML and JSON, read-only, for a browser on a laptop or behind a proxy."""
