"""The process that runs for ever: its loop, port, metrics and logs."""
