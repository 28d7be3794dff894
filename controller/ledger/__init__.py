"""The ledger in SQLite: `ledger` opens and changes it, `reads` only reads it and starts faster."""
