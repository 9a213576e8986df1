"""Routing: which inbox, person or ticket a handoff gets by the owner's rules, and why."""
