"""The work tree as desired state: scan, watch, git facts, names, and the status files beside the manifests."""
