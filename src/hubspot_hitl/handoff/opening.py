"""The first message of a thread: who asks for help, and why. Pure."""

from __future__ import annotations

from hubspot_hitl.handoff.plain_text import one_line, person_name, text_of
from hubspot_hitl.handoff.texts import TextKey, Words

_ENGLISH = Words()


def opening_text(
    name: object, title: object = None, description: object = None, *, words: Words = _ENGLISH
) -> str:
    r"""Name, title and description, one line each; the description may go on over more lines.

    >>> opening_text("Ada", "Order 7", " ")
    'Name: Ada\nTitle: Order 7\nDescription: No description available'
    """
    title = one_line(title, 500) or words(TextKey.LABEL_NO_TITLE)
    told = text_of(description).strip() or words(TextKey.LABEL_NO_DESCRIPTION)
    return "\n".join(
        (
            words.line(
                TextKey.LABEL_NAME, person_name(name, fallback=words(TextKey.LABEL_VISITOR))
            ),
            words.line(TextKey.LABEL_TITLE, title),
            words.line(TextKey.LABEL_DESCRIPTION, told),
        )
    )
