"""Sets: one manifest that declares many jobs, one for each cell of its axes (area, time, values). Pure."""
