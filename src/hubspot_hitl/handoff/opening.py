"""The first message of a thread: who asks for help, and why. Pure."""

from __future__ import annotations

from hubspot_hitl.handoff.plain_text import one_line, person_name, text_of

DEFAULT_TITLE = "New HITL conversation"
DEFAULT_DESCRIPTION = "No description available"


def opening_text(name: object, title: object = None, description: object = None) -> str:
    r"""Name, title and description, one line each; the description may go on over more lines.

    >>> opening_text("Ada", "Order 7", " ")
    'Name: Ada\nTitle: Order 7\nDescription: No description available'
    """
    return "\n".join(
        (
            f"Name: {person_name(name)}",
            f"Title: {one_line(title, 500) or DEFAULT_TITLE}",
            f"Description: {text_of(description).strip() or DEFAULT_DESCRIPTION}",
        )
    )
