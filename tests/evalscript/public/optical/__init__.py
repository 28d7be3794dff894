"""Sentinel-2."""
