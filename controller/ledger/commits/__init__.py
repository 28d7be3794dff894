"""The commits whose jobs changed, and what was sent about each: for the status of commits at GitHub, GitLab, Gitea.

`touched` writes in the turn, `statuses` is what the thread that sends reads and writes.
"""
