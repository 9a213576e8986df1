"""What the engines store: rows of the two tables, and the way in and out of JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import orjson

from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryState, NewDelivery

STOPPED_MS: Final = 1 << 61
"""`held_until_ms` of a lane that was stopped by a dead letter: until a person decides."""

_LONGEST_TEXT: Final = 2_000

Lease = Literal["keep", "take", "drop"]


@dataclass(frozen=True, slots=True)
class NewRow:
    """A delivery on its way in: checked, its body turned into text."""

    dedup_key: str
    lane: str
    kind: str
    installation_id: str
    handoff_id: str | None
    body: str
    timer: bool
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class RowRef:
    """Enough of a delivery to cancel or replay it."""

    seq: int
    dedup_key: str
    lane: str
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class FinishRow:
    """The columns that the end of an attempt writes."""

    seq: int
    state: DeliveryState
    attempts: int
    due_ms: int
    finished_ms: int | None
    error_code: str | None
    error: str | None
    note: str | None


@dataclass(slots=True)
class LaneRow:
    """A locked row of `lanes`; a transaction changes it and saves it once.

    `live`: somebody's lease runs. `lease` says what saving does to the lease.
    """

    lane: str
    version: int
    fence: int
    owner: str | None
    live: bool
    held_until_ms: int
    due_ms: int | None
    blocked: bool
    lease: Lease = "keep"
    dirty: bool = False

    def is_owned(self, owner: str, fence: int) -> bool:
        """Whether this claim is still the one that counts."""
        return self.live and self.owner == owner and self.fence == fence


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a lane has to run now: due timers and the rest, by sequence.

    `timer_ms` is when the next of its other timers is due; `more`: the list was cut.
    """

    deliveries: tuple[Delivery, ...] = ()
    timer_ms: int | None = None
    more: bool = False


def new_row(new: NewDelivery) -> NewRow:
    """Check a delivery and freeze it; raises InvalidPayload for what no database can hold."""
    for name in ("dedup_key", "lane", "kind", "installation_id", "handoff_id"):
        value: str | None = getattr(new, name)
        if value is not None and not is_storable(value):
            raise InvalidPayload(f"{name} of a {new.kind!r} delivery holds what is no text")
    if not new.dedup_key or not new.lane:
        raise InvalidPayload(f"a {new.kind!r} delivery needs a dedup_key and a lane")
    if new.due_ms is not None and not 0 <= new.due_ms < STOPPED_MS:
        raise InvalidPayload(f"due_ms of a {new.kind!r} delivery is no moment: {new.due_ms!r}")
    return NewRow(
        dedup_key=new.dedup_key,
        lane=new.lane,
        kind=new.kind,
        installation_id=new.installation_id,
        handoff_id=new.handoff_id,
        body=body_text(new.body, new.kind),
        timer=new.timer,
        due_ms=new.due_ms,
    )


def delivery_of(row: NewRow, seq: int, now_ms: int) -> Delivery:
    """The delivery as it stands right after it was accepted."""
    return Delivery(
        seq=seq,
        dedup_key=row.dedup_key,
        lane=row.lane,
        kind=row.kind,
        installation_id=row.installation_id,
        body=body_of(row.body),
        handoff_id=row.handoff_id,
        timer=row.timer,
        state=DeliveryState.READY,
        attempts=0,
        due_ms=now_ms if row.due_ms is None else row.due_ms,
        accepted_ms=now_ms,
    )


def body_text(body: Mapping[str, object], kind: str) -> str:
    """JSON text of a body, also of one that orjson refuses: big integers, lone surrogates."""
    try:
        return orjson.dumps(body).decode()
    except TypeError:
        try:
            return json.dumps(dict(body), separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise InvalidPayload(f"the body of a {kind!r} delivery is not JSON") from error


ERASED_BODY: Final = body_text(dict(ERASED), "erased")
"""The stored text of a blanked body: no other delivery has it."""


def body_of(text: str) -> Mapping[str, object]:
    """The body of a stored text."""
    try:
        body: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = json.loads(text)
    return cast("Mapping[str, object]", body)


def storable(value: str | None) -> str | None:
    """A text for people, cut and cleaned so that storing it cannot fail."""
    if value is None:
        return None
    text = value[:_LONGEST_TEXT].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()


def is_storable(value: str) -> bool:
    """Whether every database can hold this text."""
    if "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
