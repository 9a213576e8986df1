"""The first message of a thread: who asks for help, and why. Pure."""

from __future__ import annotations

from hubspot_hitl.handoff.plain_text import one_line, person_name, text_of
from hubspot_hitl.handoff.texts import TextKey, Words

_ENGLISH = Words()


def opening_text(
    name: object,
    title: object = None,
    description: object = None,
    *,
    subject: object = None,
    words: Words = _ENGLISH,
) -> str:
    r"""Name, title and description, one line each; the description may go on over more lines.

    A subject comes first; without a title it is the title.

    >>> opening_text("Ada", "Order 7", " ")
    'Name: Ada\nTitle: Order 7\nDescription: No description available'
    """
    head = opening_head(name, title, subject=subject, words=words)
    told = text_of(description).strip() or words(TextKey.LABEL_NO_DESCRIPTION)
    return f"{head}\n{words.line(TextKey.LABEL_DESCRIPTION, told)}"


def opening_head(
    name: object, title: object = None, *, subject: object = None, words: Words = _ENGLISH
) -> str:
    r"""The lines of an opening before its description.

    >>> opening_head("Ada", "Order 7", subject="Refund")
    'Subject: Refund\nName: Ada\nTitle: Order 7'
    """
    matter = one_line(subject, 500)
    title = one_line(title, 500) or matter or words(TextKey.LABEL_NO_TITLE)
    first = [words.line(TextKey.LABEL_SUBJECT, matter)] if matter not in ("", title) else []
    return "\n".join(
        (
            *first,
            words.line(
                TextKey.LABEL_NAME, person_name(name, fallback=words(TextKey.LABEL_VISITOR))
            ),
            words.line(TextKey.LABEL_TITLE, title),
        )
    )
