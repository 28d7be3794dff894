"""When what changed is shown to a reader."""
