"""Which inbox a bot owner means: an id, or the address of a page of that inbox's settings. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HUBSPOT = re.compile(
    r"(?:https?://)?app(?:-(?P<region>[a-z0-9]{1,16}))?\.hubspot(?:qa)?\.com"
    r"/(?P<app>[a-z0-9-]{1,64})/(?P<portal>[0-9]{1,20})(?P<rest>/.*)?",
    re.IGNORECASE | re.DOTALL,
)
_INBOXES = re.compile(r"/inboxes/([0-9]{1,20})(?![^/?#])")
# Help desk settings: the shape of these addresses is not documented (unverified).
_SETTINGS = re.compile(r"/(?:inbox|help-?desks?)/([0-9]{1,20})(?![^/?#])")
_QUERY = re.compile(r"[?&]inboxId=([0-9]{1,20})(?![^&#])")

_CURE = "Use the number, or the whole address, of the inbox's page in HubSpot's inbox settings."


@dataclass(frozen=True, slots=True)
class InboxReference:
    """An inbox or help desk; portal and region (`na3`, `eu1`) when an address told them."""

    inbox_id: str
    portal_id: str | None = None
    region: str | None = None


def inbox_reference(value: str) -> InboxReference:
    """What an inbox id or a pasted settings address refers to.

    Raises ValueError, whose text says what to use instead and does not repeat the value. The
    address of a conversation (`/live-messages/<portal>/inbox/<thread>`) names no inbox.

    >>> inbox_reference("https://app-na3.hubspot.com/live-messages-settings/341/inboxes/126/channels")
    InboxReference(inbox_id='126', portal_id='341', region='na3')
    >>> inbox_reference(" 126 ").inbox_id
    '126'
    """
    text = value.strip()
    if _ID.fullmatch(text):
        return InboxReference(text)
    match = _HUBSPOT.fullmatch(text)
    if match is None:
        raise ValueError(f"this is neither an inbox id nor an address in HubSpot. {_CURE}")
    app, rest = match["app"].lower(), match["rest"] or ""
    found = _INBOXES.search(rest) or _QUERY.search(rest)
    if found is None and "settings" in app:
        found = _SETTINGS.search(rest)
    if found is None:
        if app in {"live-messages", "help-desk"}:
            raise ValueError(f"this is the address of a conversation, not of an inbox. {_CURE}")
        raise ValueError(f"this address in HubSpot names no inbox. {_CURE}")
    region = match["region"]
    return InboxReference(found[1], match["portal"], region.lower() if region else None)


def inbox_id_of(value: str) -> str:
    """The inbox id in an id or a pasted settings address. Raises ValueError.

    >>> inbox_id_of("https://app.hubspot.com/live-messages-settings/341/inboxes/126")
    '126'
    """
    return inbox_reference(value).inbox_id


def inbox_references(value: str) -> tuple[InboxReference, ...]:
    """All inboxes of a list separated by commas or lines, in order, each once.

    Raises ValueError naming the position of the entry that is not readable.
    """
    found: dict[str, InboxReference] = {}
    parts = [part for part in re.split(r"[,;\n]", value) if part.strip()]
    for position, part in enumerate(parts, start=1):
        try:
            reference = inbox_reference(part)
        except ValueError as error:
            where = f"entry {position}: " if len(parts) > 1 else ""
            raise ValueError(f"{where}{error}") from None
        found.setdefault(reference.inbox_id, reference)
    return tuple(found.values())
