"""Commands that read the ledger or write a command to it: get, describe, why, wait, budget, resolve."""
