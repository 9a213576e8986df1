"""The difference between what HubSpot should hold and what it holds, as steps. Pure.

A stranger's channel, one of the same app that this installation has not made, is shown and never
touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hubspot_hitl.json_values import is_list
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount
from hubspot_hitl.setup.desired import Actual, Desired
from hubspot_hitl.setup.subscriptions import SUBSCRIPTIONS, SubscriptionPlan, named


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
    kind: Literal["channel", "account", "property", "webhooks", "subscription"]
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
    """All steps, what is wrong that no step mends, and what a person has to do in HubSpot.

    What is left to a person is no drift: whether it was done cannot be seen from here.
    """

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

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
    ours = wanted.own.of(actual.channels)
    channel = ours[0] if ours else None
    accounts = actual.accounts.get(channel.id, ()) if channel else ()
    steps = [_channel_step(wanted, channel)]
    steps += [_account_step(inbox_id, accounts) for inbox_id in wanted.inbox_ids]
    told = "has our webhook URL too"
    steps += [Step(Verb.DUPLICATE, "channel", c.id, f"{c.name!r} {told}") for c in ours[1:]]
    steps += [
        Step(Verb.STRANGER, "channel", one.id, f"{one.name!r} is not of this installation")
        for one in actual.channels
        if one not in ours
    ]
    by_hand: list[str] = []
    if wanted.transcript and actual.transcript is None:
        by_hand.append(
            f"The contact property {CHAT_TRANSCRIPT} may not be read: add the scopes"
            " crm.schemas.contacts.read and crm.schemas.contacts.write on the app's Auth tab and"
            " connect the portal again."
        )
    elif wanted.transcript:
        verb = Verb.NOTHING if actual.transcript else Verb.CREATE
        steps.append(
            Step(verb, "property", CHAT_TRANSCRIPT if actual.transcript else None, "of contacts")
        )
    if actual.webhooks is not None:
        steps += _webhook_steps(actual.webhooks)
    if actual.webhooks is None or actual.webhooks.stranger is not None:
        by_hand += webhook_clicks(wanted.app_webhook_url, actual.webhooks)
    return Plan(tuple(steps), _problems(wanted, actual), tuple(by_hand))


def webhook_clicks(url: str, found: SubscriptionPlan | None) -> list[str]:
    """What a person clicks for the app's webhooks where HubSpot's API does not let us. Pure."""
    if found is not None and found.stranger is not None:
        return [
            f"The app's webhooks go to {found.stranger}, which is not ours and is left alone. If"
            f" nothing needs it, set the target URL to {url} on the app's Webhooks page.",
        ]
    missing = ", ".join(named(one) for one in SUBSCRIPTIONS)
    return [
        "In HubSpot's developer account open Apps, choose the app, then Webhooks.",
        f"Set the target URL to {url} and save.",
        f"Create subscription, object type Conversation: {missing}.",
        "Select the new subscriptions and choose Activate.",
    ]


def _webhook_steps(found: SubscriptionPlan) -> list[Step]:
    if found.stranger is not None:
        return [Step(Verb.STRANGER, "webhooks", None, f"the target URL is {found.stranger}")]
    if found.set_target:
        verb = Verb.CREATE if found.target is None else Verb.UPDATE
        steps = [Step(verb, "webhooks", None, f"target URL {found.url}")]
    else:
        steps = [Step(Verb.NOTHING, "webhooks", None, f"target URL {found.target}")]
    steps += [Step(Verb.CREATE, "subscription", None, named(one)) for one in found.create]
    steps += [
        Step(
            Verb.UPDATE,
            "subscription",
            one.id,
            named((one.event_type, one.property_name)),
            ("active",),
        )
        for one in found.activate
    ]
    return steps


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
    if is_list(value):
        return sorted(str(one) for one in value)
    return value


def _channel_step(wanted: Desired, channel: Channel | None) -> Step:
    if channel is None:
        return Step(Verb.CREATE, "channel", None, f"{wanted.name!r} with our webhook URL")
    changes: list[str] = []
    if channel.webhook_url != wanted.own.webhook_url:
        changes.append("webhookUrl")
    if channel.description is not None and wanted.own.mark not in channel.description:
        changes.append("description")
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
