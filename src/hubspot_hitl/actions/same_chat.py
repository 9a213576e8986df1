"""Knows a start again that is repeated for a chat whose handoff is open, or just being opened.

Botpress names neither its conversation nor the message that led here. So two calls are the same
start when all that was passed is equal, and also when the later one's history is the earlier one's,
gone on: an answer of ours was lost, the user wrote once more, and the bot tries again. One user may
have several chats at a time, whose histories differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubspot_hitl.actions.stop_hitl import STOP
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.actions import StartHitlInput
from hubspot_hitl.integration.history import HistoryEntry
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.ports.services import Services

AFTER: Final = ":after:"
MOST_MARKS: Final = 50
SURELY: Final = 10
"""So many messages in a row are alike in one chat only. Fewer may be: "Hello", "A person!"."""


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
    """The open handoff of the same chat, unless the bot has ended it already."""
    wanted, marks = _start_key(input_), marks_of(input_.message_history)
    key = wanted
    for one in await services.handoffs.of_user(installation.id, input_.user_id, active=True):
        equal = one.start_key.partition(AFTER)[0] == wanted
        known = len(marks) if equal else overlap(one.history_marks.split(), marks)
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
        by = "u" if said["source"].get("type") == "user" else "b"
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
            return length if any(mark.startswith("u") for mark in shared) else 0
    return 0


async def _is_stopped(services: Services, handoff: Handoff) -> bool:
    """Whether the bot has ended it, although its turn in the lane has not come."""
    found = await services.ledger.find(
        DeliveryFilter(handoff_id=handoff.id, kind=STOP, states=(DeliveryState.READY,))
    )
    return bool(found)
