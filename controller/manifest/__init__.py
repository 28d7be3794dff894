"""From the text of a manifest to a request: documents with places, models, rules, digest. Pure."""
