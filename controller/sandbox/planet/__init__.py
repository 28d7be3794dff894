"""Synthetic scenes: one world seen by optical, radar and terrain sensors."""
