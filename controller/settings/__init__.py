"""The settings as frozen values: what shjobs.toml and the environment may say, and where each value came from."""
