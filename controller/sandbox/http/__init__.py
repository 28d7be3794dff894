"""The API as the sandbox serves it: addresses, tokens, validation."""
