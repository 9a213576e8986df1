"""The ledger's tables on PostgreSQL: many replicas, one of which owns a lane at a time."""
