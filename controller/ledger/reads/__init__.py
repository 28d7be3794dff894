"""Reading the ledger while another process may be writing it."""
