"""The settings as frozen values: what shjobs.toml and the environment may set, and where each value came from."""
