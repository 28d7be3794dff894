"""The API as the sandbox serves it: routes, tokens, validation."""
