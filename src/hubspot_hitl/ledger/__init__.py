"""The ledger: what is accepted is durable, and done exactly once, in order within its lane.

:class:`~hubspot_hitl.ledger.service.LaneLedger` is the port's implementation; engines under it are
:mod:`~hubspot_hitl.ledger.sqlite`, :mod:`~hubspot_hitl.ledger.postgres.engine` and
:mod:`~hubspot_hitl.ledger.memory`. Reading order: `tables`, `transaction`, `lane`, `worker`.
"""
