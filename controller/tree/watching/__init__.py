"""Notifies that something changed below the jobs folder, so that a scan follows at once."""
