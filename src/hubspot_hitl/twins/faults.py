"""Faults on demand: what may go wrong, when, and how often.

A fault names the operations it strikes (shell patterns such as `messages.*` or `webhook.channel.*`)
and is drawn once for each call. Chance depends on the seed, the fault, the operation and the number
of the call of that operation, never on how concurrent calls interleave, so a seed repeats a run.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase

from hubspot_hitl.twins.wire import Json


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """The answer takes `seconds` longer."""
    RATE_LIMIT = "rate_limit"
    """429; with `Retry-After` when `retry_after_s` is set."""
    ERROR_500 = "error_500"
    ERROR_502 = "error_502"
    ERROR_503 = "error_503"
    LOCKED_423 = "locked_423"
    RESET_BEFORE = "reset_before"
    """The connection dies and nothing has happened."""
    RESET_AFTER = "reset_after"
    """The connection dies after the call took effect."""
    CUT_OFF = "cut_off"
    """The call takes effect; its answer is whole HTTP, but ends in the middle of its JSON."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a fault
    """Every access token of the caller's portal is expired from this call on."""
    GRANT_REVOKED = "grant_revoked"
    """The app was uninstalled: access and refresh tokens are void from this call on."""
    REDELIVER = "redeliver"
    """A webhook arrives `copies` times more."""
    REORDER = "reorder"
    """A webhook leaves its lane and arrives up to `seconds` later."""
    DELAY = "delay"
    """A webhook arrives `seconds` later."""
    BATCH = "batch"
    """App webhooks are held for `seconds` or until 100 wait, then sent together."""
    SILENCE = "silence"
    """A webhook is never sent; a call is never answered (the connection dies after `seconds`)."""


STATUS_OF = {
    FaultKind.RATE_LIMIT: 429,
    FaultKind.ERROR_500: 500,
    FaultKind.ERROR_502: 502,
    FaultKind.ERROR_503: 503,
    FaultKind.LOCKED_423: 423,
}
MOST_COPIES = 10


class BadFaultError(ValueError):
    """A fault that cannot be understood; the text says which field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule.

    `operations` are shell patterns, and so are `callers`: the portal whose token calls HubSpot, the
    bot that calls Botpress (webhooks and operations have none). `skip` lets the first calls pass,
    `times` bounds the strikes. `after` moves a status fault or a latency behind the effect of the
    call. `message` is what a status fault's body says, in place of the twin's own words.
    """

    kind: FaultKind
    operations: tuple[str, ...] = ("*",)
    callers: tuple[str, ...] = ("*",)
    probability: float = 1.0
    skip: int = 0
    times: int | None = None
    seconds: float = 0.0
    retry_after_s: int | None = None
    copies: int = 1
    after: bool = False
    message: str = ""

    @staticmethod
    def from_json(body: Json) -> Fault:
        """Read a fault from JSON. Raises :class:`BadFaultError`."""
        known = {item.name for item in fields(Fault)}
        unknown = set(body) - known
        if unknown:
            raise BadFaultError(f"unknown fields {sorted(unknown)!r}")
        try:
            values: Json = {**body, "kind": FaultKind(body.get("kind", ""))}
        except ValueError as error:
            raise BadFaultError(f"kind is one of {[kind.value for kind in FaultKind]!r}") from error
        for name in ("operations", "callers"):
            patterns = values.get(name, ("*",))
            values[name] = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        fault = Fault(**values)
        if not 0 <= fault.probability <= 1:
            raise BadFaultError("probability is between 0 and 1")
        if not 0 <= fault.copies <= MOST_COPIES:
            raise BadFaultError(f"copies is between 0 and {MOST_COPIES}")
        if fault.seconds < 0 or fault.skip < 0:
            raise BadFaultError("seconds and skip are not negative")
        return fault


@dataclass(slots=True)
class _Rule:
    id: int
    fault: Fault
    seen: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    strikes: int = 0
    matches: dict[str, bool] = field(default_factory=dict[str, bool])

    def concerns(self, operation: str, caller: str) -> bool:
        return self._fits(operation) and any(
            fnmatchcase(caller, pattern) for pattern in self.fault.callers
        )

    def _fits(self, operation: str) -> bool:
        known = self.matches.get(operation)
        if known is None:
            known = any(fnmatchcase(operation, pattern) for pattern in self.fault.operations)
            self.matches[operation] = known
        return known


class Faults:
    """The faults in force. Set them while the twin runs; draw them once for each call."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.struck: Counter[str] = Counter()
        self._rules: dict[int, _Rule] = {}
        self._next_id = 1

    def add(self, fault: Fault) -> int:
        """Put a fault in force; returns its number."""
        rule = _Rule(self._next_id, fault)
        self._next_id += 1
        self._rules[rule.id] = rule
        return rule.id

    def set(self, *faults: Fault, seed: int | None = None) -> None:
        """Replace all faults, and the seed when given; numbering and chance begin anew."""
        self._rules.clear()
        self._next_id = 1
        if seed is not None:
            self.seed = seed
        for fault in faults:
            self.add(fault)

    def remove(self, fault_id: int) -> bool:
        """Lift one fault; False when there is none of that number."""
        return self._rules.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Lift all faults."""
        self.set()

    def draw(self, operation: str, caller: str = "") -> tuple[Fault, ...]:
        """The faults that strike this call of `operation` by `caller`."""
        if not self._rules:
            return ()
        return tuple(
            rule.fault
            for rule in self._rules.values()
            if rule.concerns(operation, caller) and self._strikes(rule, operation)
        )

    def chance(self, *parts: object) -> float:
        """A number in [0, 1) that depends on the seed and `parts` only."""
        text = ":".join(map(str, (self.seed, *parts)))
        digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
        return int.from_bytes(digest) / float(1 << 56)

    def as_json(self) -> Json:
        """Seed, rules and how often each struck."""
        return {
            "seed": self.seed,
            "struck": dict(self.struck),
            "faults": [
                {"id": rule.id, "calls": rule.calls, "strikes": rule.strikes, **asdict(rule.fault)}
                for rule in self._rules.values()
            ],
        }

    def _strikes(self, rule: _Rule, operation: str) -> bool:
        fault = rule.fault
        number = rule.seen[operation]
        rule.seen[operation] += 1
        rule.calls += 1
        if rule.calls <= fault.skip:
            return False
        if fault.times is not None and rule.strikes >= fault.times:
            return False
        if fault.probability < 1 and self.chance(rule.id, operation, number) >= fault.probability:
            return False
        rule.strikes += 1
        self.struck[fault.kind.value] += 1
        return True
