"""What the page of one job shows: each part from values, bounded, whatever a manifest or a service wrote."""
