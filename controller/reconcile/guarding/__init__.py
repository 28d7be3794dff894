"""Parts of the spend guard's memory: what approvals of the tree release, what is newly due, who is held with whom."""
