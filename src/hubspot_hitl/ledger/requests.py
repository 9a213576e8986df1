"""What can be asked of the ledger's tables, and what comes back; no SQL, no asyncio.

Requests gather in the :class:`~hubspot_hitl.ledger.committer.Committer` and are carried out
together by :func:`hubspot_hitl.ledger.transaction.carry_out`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hubspot_hitl.ledger.rows import FinishRow, NewRow, Waiting
from hubspot_hitl.ports.ledger import Delivery


@dataclass(frozen=True, slots=True)
class Accept:
    """Insert rows; the reply counts those that were new."""

    rows: Sequence[NewRow]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claim of one lane. What carries an old `fence` is refused."""

    lane: str
    fence: int


@dataclass(frozen=True, slots=True)
class Finish:
    """End an attempt and do what its handler asked for beside it."""

    claim: Claimed
    row: FinishRow
    then: Sequence[NewRow] = ()
    cancel: Sequence[str] = ()
    running: frozenset[int] = frozenset()
    stop_lane: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Give a lane back, unless something came to it since `version` (None: in any case)."""

    claim: Claimed
    version: int | None
    due_ms: int | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class Load:
    """Read anew what an owned lane has to run; renews its lease."""

    claim: Claimed


@dataclass(frozen=True, slots=True)
class Renew:
    """Prolong leases; the reply names the lanes that were lost."""

    claims: Sequence[Claimed]


@dataclass(frozen=True, slots=True)
class MarkStarted:
    """Set the durable `started` flag; with a claim only while that claim counts."""

    seq: int
    lane: str
    claim: Claimed | None


@dataclass(frozen=True, slots=True)
class Hold:
    """Run nothing of a lane before a moment."""

    lane: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel ready deliveries by key, or dead and ready ones by sequence; not the `running`."""

    keys: Sequence[str] = ()
    seqs: Sequence[int] = ()
    running: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Replay:
    """Make dead or cancelled deliveries ready again."""

    seqs: Sequence[int]


@dataclass(frozen=True, slots=True)
class ClaimDue:
    """Claim lanes that have something to run and no owner, as far as there is room."""


Request = Accept | Finish | Release | Load | Renew | MarkStarted | Hold | Cancel | Replay | ClaimDue


@dataclass(slots=True)
class Reply:
    """What became of one request; what does not concern it keeps its default.

    `owned` is False when the claim no longer counts: nothing of the request was done.
    `version` is the lane's after the transaction.
    """

    count: int = 0
    owned: bool = True
    released: bool = False
    version: int = 0
    lost: tuple[str, ...] = ()


@dataclass(slots=True)
class LaneNews:
    """What a transaction changed about a lane that we own.

    `fresh`: the claim was made by it. `moved`: somebody else ran the lane before. `waiting`
    replaces the known queue, `deliveries` adds to it, `cancelled` takes away from it; `reload`
    asks to read it anew. `base_version` is the version that `deliveries` build upon.
    """

    lane: str
    fence: int
    base_version: int
    version: int
    fresh: bool = False
    moved: bool = False
    held_until_ms: int = 0
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    timer_ms: int | None = None
    waiting: Waiting | None = None
    cancelled: set[int] = field(default_factory=set[int])
    reload: bool = False


@dataclass(slots=True)
class Committed:
    """The outcome of one transaction.

    `wake_ms`: when lanes that nobody runs want to be looked at. `backlog`: such a lane is due now
    and found no room; `looked`: lanes that are due were looked for.
    """

    replies: list[Reply]
    news: list[LaneNews] = field(default_factory=list[LaneNews])
    released: list[Claimed] = field(default_factory=list[Claimed])
    wake_ms: list[int] = field(default_factory=list[int])
    backlog: bool = False
    looked: bool = False


@dataclass(slots=True)
class Touched:
    """What a batch needs to know and lock before it starts; `create`: lanes that may be new."""

    lanes: set[str] = field(default_factory=set[str])
    create: set[str] = field(default_factory=set[str])
    keys: list[str] = field(default_factory=list[str])
    seqs: list[int] = field(default_factory=list[int])


def touched(batch: Sequence[Request]) -> Touched:
    """Find out which lanes and deliveries a batch is about."""
    out = Touched()
    for request in batch:
        match request:
            case Accept(rows):
                out.create.update(row.lane for row in rows)
            case Finish(claim, then=then, cancel=keys):
                out.lanes.add(claim.lane)
                out.create.update(row.lane for row in then)
                out.keys.extend(keys)
            case Cancel(keys=keys, seqs=seqs):
                out.keys.extend(keys)
                out.seqs.extend(seqs)
            case Replay(seqs):
                out.seqs.extend(seqs)
            case Hold(lane):
                out.create.add(lane)
            case MarkStarted(lane=lane):
                out.lanes.add(lane)
            case Release(claim) | Load(claim):
                out.lanes.add(claim.lane)
            case Renew(claims):
                out.lanes.update(claim.lane for claim in claims)
            case ClaimDue():
                pass
    out.lanes |= out.create
    return out
