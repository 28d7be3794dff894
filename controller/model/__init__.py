"""Nouns that every room shares: frozen values and errors. Nothing here decides, and only `clock` reads the time."""
