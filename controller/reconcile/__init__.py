"""The loop: one thread decides, workers call, outcomes are recorded, changes are reported."""
