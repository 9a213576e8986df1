"""Knows a start again that is repeated for a chat whose handoff is open, or just being opened.

Botpress names neither its conversation nor the message that led here. So two calls are the same
start when all that was passed is equal, and also when the later one's history is the earlier one's,
gone on: an answer of ours was lost, the user wrote once more, and the bot tries again. One user may
have several chats at a time, which may begin alike. When in doubt a start is a new one: a thread
too many does less harm than two chats in one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubspot_hitl.actions.stop_hitl import STOP
from hubspot_hitl.effects.ending import is_ending
from hubspot_hitl.effects.unheard import is_heard
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.actions import DEFAULT_DESCRIPTION, HitlSession, StartHitlInput
from hubspot_hitl.integration.history import HistoryEntry
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services

AFTER: Final = ":after:"
MOST_MARKS: Final = 50
SURELY: Final = 10
"""So many messages in a row are alike in one chat only. Fewer may be: "Hello", "A person!"."""
ENOUGH_BY_USER: Final = 3
"""So many of them by the user tell chats apart whose matter is not described alike."""
BY_USER: Final = "u"


@dataclass(frozen=True, slots=True)
class Running:
    """What is known of a start: the key it counts under, and the open handoff it repeats.

    The handoff has seen the first `known` messages of the history.
    """

    key: str
    handoff: Handoff | None = None
    known: int = 0


async def running(
    services: Services, installation: Installation, input_: StartHitlInput
) -> Running:
    """The open handoff of the same chat, unless it is as good as ended already."""
    wanted, marks = _start_key(input_), marks_of(input_.message_history)
    key = wanted
    for one in await services.handoffs.of_user(installation.id, input_.user_id, active=True):
        equal = one.start_key.partition(AFTER)[0] == wanted
        known = len(marks) if equal else await _gone_on(services, one, input_, marks)
        if not (equal or known):
            continue
        if not await _is_stopped(services, one):
            return Running(one.start_key, one, known)
        if equal and key == wanted:  # it still has the key
            key = f"{wanted}{AFTER}{one.id}"
    return Running(key)


def _start_key(input_: StartHitlInput) -> str:
    text = json.dumps(input_.model_dump(by_alias=True, mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def marks_of(history: Sequence[HistoryEntry]) -> list[str]:
    """By what each message is known again: `u` or `b` for who said it, and a short digest."""
    marks: list[str] = []
    for entry in history[-MOST_MARKS:]:
        said = entry.model_dump(by_alias=True, mode="json")
        by = BY_USER if said["source"].get("type") == "user" else "b"
        text = json.dumps(said, sort_keys=True).encode()
        marks.append(by + hashlib.blake2b(text, digest_size=4).hexdigest())
    return marks


def overlap(before: Sequence[str], now: Sequence[str]) -> int:
    """How many messages of `now` are those of `before`, when it is the same chat; else 0.

    Botpress passes one page: the oldest fall out of it as the chat goes on.

    >>> overlap(["u1", "b2"], ["u1", "b2", "u3"]), overlap(["u1", "b2"], ["u4", "b2"])
    (2, 0)
    >>> overlap(["b2"], ["b2", "u3"])
    0
    """
    for length in range(min(len(before), len(now)), 0, -1):
        shared = now[:length]
        whole = length == len(before)
        if list(before[-length:]) == list(shared) and (whole or length >= SURELY):
            return length if any(mark.startswith(BY_USER) for mark in shared) else 0
    return 0


async def _gone_on(
    services: Services, handoff: Handoff, input_: StartHitlInput, marks: Sequence[str]
) -> int:
    """How many messages of the history the handoff has seen, when it surely is of this chat."""
    known = overlap(handoff.history_marks.split(), marks)
    by_user = sum(mark.startswith(BY_USER) for mark in marks[:known])
    alike = by_user >= ENOUGH_BY_USER or _same_matter(handoff, input_)
    if not (known and alike and _same_inbox(handoff, input_)):
        return 0
    return 0 if await is_heard(services, handoff) else known


def _same_matter(handoff: Handoff, input_: StartHitlInput) -> bool:
    """Whether both starts describe the matter, and alike."""
    given = handoff.description not in (None, "", DEFAULT_DESCRIPTION)
    return given and handoff.description == input_.description


def _same_inbox(handoff: Handoff, input_: StartHitlInput) -> bool:
    """Whether both starts ask for the same inbox, or neither for any."""
    session = input_.hitl_session or HitlSession()
    return HitlSession.model_validate_json(handoff.session).inbox_id == session.inbox_id


async def _is_stopped(services: Services, handoff: Handoff) -> bool:
    """Whether its end is certain, although it is not saved: told by the bot, or to the bot."""
    if await is_ending(services, handoff):
        return True
    found = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, kind=STOP, states=(DeliveryState.READY,))
    )
    return bool(found)
