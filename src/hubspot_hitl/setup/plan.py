"""The difference between what HubSpot should hold and what it holds, as steps. Pure.

A stranger's channel, one of the same app with another webhook URL, is shown and never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

from hubspot_hitl.ports.hubspot import Channel, ChannelAccount
from hubspot_hitl.setup.desired import Actual, Desired


class Verb(StrEnum):
    """What `apply` does about a thing. It folds duplicates only when told, strangers never."""

    CREATE = "create"
    UPDATE = "update"
    NOTHING = "nothing"
    DUPLICATE = "duplicate"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing at HubSpot and what has to be done about it. `id` is None before it exists."""

    verb: Verb
    kind: Literal["channel", "account"]
    id: str | None
    what: str
    changes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "verb": self.verb.value,
            "kind": self.kind,
            "id": self.id,
            "what": self.what,
            "changes": list(self.changes),
        }

    def as_text(self) -> str:
        """For a person."""
        named = f"{self.kind} {self.id}" if self.id else self.kind
        changes = f" ({', '.join(self.changes)})" if self.changes else ""
        return f"{self.verb.value:9}  {named}  {self.what}{changes}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, and what is wrong that no step mends."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether HubSpot holds something else than it should. Strangers do not count."""
        settled = {Verb.NOTHING, Verb.STRANGER}
        return bool(self.problems) or any(one.verb not in settled for one in self.steps)

    def having(self, verb: Verb) -> tuple[Step, ...]:
        """The steps with a verb."""
        return tuple(one for one in self.steps if one.verb is verb)


def make_plan(wanted: Desired, actual: Actual) -> Plan:
    """The steps from what is there to what is wanted."""
    ours = actual.ours(wanted.webhook_url)
    channel = ours[0] if ours else None
    accounts = actual.accounts.get(channel.id, ()) if channel else ()
    steps = [_channel_step(wanted, channel)]
    steps += [_account_step(inbox_id, accounts) for inbox_id in wanted.inbox_ids]
    steps += [
        Step(Verb.DUPLICATE, "channel", one.id, f"{one.name!r} has our webhook URL too")
        for one in ours[1:]
    ]
    steps += [
        Step(Verb.STRANGER, "channel", one.id, f"{one.name!r} is not of this installation")
        for one in actual.channels
        if one.webhook_url != wanted.webhook_url
    ]
    return Plan(tuple(steps), _problems(wanted, actual))


def capabilities_differ(wanted: Mapping[str, object], there: Mapping[str, object] | None) -> bool:
    """Whether HubSpot holds other values than ours; the order of lists and its own keys are its.

    What HubSpot does not tell cannot differ: a list without capabilities is taken as right.

    >>> capabilities_differ({"richText": ["BOLD", "LISTS"]}, {"richText": ["LISTS", "BOLD"]})
    False
    """
    if not there:
        return False
    return any(_plain(there.get(name)) != _plain(value) for name, value in wanted.items())


def _plain(value: object) -> object:
    if isinstance(value, list):
        return sorted(str(one) for one in cast("list[object]", value))
    return value


def _channel_step(wanted: Desired, channel: Channel | None) -> Step:
    if channel is None:
        return Step(Verb.CREATE, "channel", None, f"{wanted.name!r} with our webhook URL")
    changes: list[str] = []
    if channel.name != wanted.name:
        changes.append("name")
    if capabilities_differ(wanted.capabilities, channel.capabilities):
        changes.append("capabilities")
    verb = Verb.UPDATE if changes else Verb.NOTHING
    return Step(verb, "channel", channel.id, repr(channel.name), tuple(changes))


def _account_step(inbox_id: str, accounts: Sequence[ChannelAccount]) -> Step:
    fitting = [one for one in accounts if one.inbox_id == inbox_id and not one.archived]
    if not fitting:
        return Step(Verb.CREATE, "account", None, f"for inbox {inbox_id}")
    account = min(fitting, key=lambda one: (not one.authorized, len(one.id), one.id))
    if not account.authorized:
        return Step(Verb.UPDATE, "account", account.id, f"for inbox {inbox_id}", ("authorized",))
    return Step(Verb.NOTHING, "account", account.id, f"for inbox {inbox_id}")


def _problems(wanted: Desired, actual: Actual) -> tuple[str, ...]:
    there = {one.id: one for one in actual.inboxes if not one.archived}
    listed = ", ".join(f"{one.id} ({one.name})" for one in there.values()) or "none"
    absent = [one for one in wanted.inbox_ids if one not in there]
    found = [f"the portal has no inbox {one!r}; it has {listed}" for one in absent]
    if not wanted.inbox_ids:
        found.append(f"no inbox is configured; the portal has {listed}")
    return tuple(found)
