"""The geometry of charts and maps; templates draw it. Pure."""
