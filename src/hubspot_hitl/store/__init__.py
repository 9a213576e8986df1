"""Everything that is kept beside the ledger, on SQLite or PostgreSQL."""
