"""The operators' console: pages on what happens and what went wrong, closed without a token.

Server-rendered and readable without JavaScript; a small script keeps lists fresh. Every route goes
through :mod:`hubspot_hitl.web.console.gate`, and every action is written into the audit trail.
"""
