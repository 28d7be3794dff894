"""shjobs: a declarative GitOps job controller for the Sentinel Hub Asynchronous Processing API."""

__version__ = "0.1.0"
