"""A database as two verbs, on SQLite or PostgreSQL. No table is known here."""
