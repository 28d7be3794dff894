"""From scenes and an evalscript to rasters and pictures."""
