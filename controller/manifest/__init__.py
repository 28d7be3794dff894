"""From the text of a manifest to a request: documents with positions, models, rules, digest. Pure."""
