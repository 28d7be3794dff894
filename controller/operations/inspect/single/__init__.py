"""One job from its own rows, without a turn on a copy of the whole ledger."""
