"""Everything but Sentinel-2."""
