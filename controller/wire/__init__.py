"""HTTP over the network: what the edges for the service, its tokens and the buckets share."""
