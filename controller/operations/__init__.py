"""The implementation behind each command; `cli` and `daemon` are the entry points."""
