"""Nouns to rows and back: the only place that maps them to SQL."""
