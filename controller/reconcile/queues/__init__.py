"""The orders in which jobs wait: fairly for a slot, and by price for what is left of the budget."""
