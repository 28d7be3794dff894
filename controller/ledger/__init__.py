"""The ledger in SQLite: `ledger` opens and changes it, `reader` only reads it and starts faster."""
