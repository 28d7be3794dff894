"""Parts of a turn of the loop: the limits at that moment, and whether all is at rest."""
