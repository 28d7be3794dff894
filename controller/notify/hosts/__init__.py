"""GitHub, GitLab and Gitea: the status of a commit, and the comment on a pull request.

`commit_state` decides what a commit's status says, `sender` when it is sent; `hosts` knows the three APIs, `client` how
they are called. `pull_request` finds the pull request that a CI run is for, `comment` writes into it.
"""
