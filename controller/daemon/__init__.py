"""The long-running process: its loop, port, metrics and logs."""
