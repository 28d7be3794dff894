"""Calls to the service and the buckets, carried out by worker threads."""
