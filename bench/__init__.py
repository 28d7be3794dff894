"""How fast and how light shjobs is: `make bench` prints every budget as a ratio beside its baseline, in one run."""
