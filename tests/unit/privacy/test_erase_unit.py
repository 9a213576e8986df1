"""Erasing at the ports: who is meant, what is left, what fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from tests.rooms import Rooms, handoff, installation, open_rooms

from hubspot_hitl.actions.stop_hitl import CLOSE_THREAD
from hubspot_hitl.actions.unfinished import OVERDUE
from hubspot_hitl.botpress.memory import MemoryMessage, MemoryRuntime
from hubspot_hitl.channels.hitl import ACKNOWLEDGE
from hubspot_hitl.effects.relay import RECEIPT
from hubspot_hitl.effects.tagging import TAGS
from hubspot_hitl.errors import VendorFault, VendorRefused
from hubspot_hitl.handoff.records import HandoffState, Person
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime
from hubspot_hitl.ports.crm import Crm
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmObject, CrmType
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.privacy import Artifact, ArtifactKind, Evidence
from hubspot_hitl.privacy.durable import handle_erase
from hubspot_hitl.privacy.erase import WITHOUT_CONTENT, erase
from hubspot_hitl.privacy.later import ERASE, ERASE_CONTACT, erase_later
from hubspot_hitl.privacy.receipt import is_genuine
from hubspot_hitl.privacy.target import CannotErase, Target
from hubspot_hitl.privacy.vendors import Vendor
from hubspot_hitl.store.memory import MemoryArtifacts, MemoryAudit

AT_BOTPRESS: tuple[Vendor, ...] = ("botpress",)
AT_HUBSPOT: tuple[Vendor, ...] = ("hubspot",)
KEYS = {"k": b"k" * 32}


class Ailing(MemoryRuntime):
    """A bot runtime on a bad day, for every installation."""

    def of(self, installation: Installation) -> BotRuntime:
        return self

    async def message_ids(self, conversation_id: str) -> Sequence[str]:
        raise VendorFault("no", vendor="botpress", operation="listMessages")


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    """An ended handoff of a known user, with one message that waits."""
    async with open_rooms() as rooms:
        services = rooms.services
        await services.installations.remember(installation())
        await services.people.remember(Person("hook", "user", name="Ada", email="a@example.com"))
        ended = handoff(state=HandoffState.RESOLVED, user_name="Ada", title="t", contact_id="7")
        await services.handoffs.open(ended)
        await services.ledger.accept(
            [NewDelivery("m", "handoff", "bot.message", "hook", {"text": "x"}, "handoff")]
        )
        yield rooms


def test_the_deliveries_that_are_let_alone_are_these() -> None:
    assert {
        TAGS,
        RECEIPT,
        ACKNOWLEDGE,
        CLOSE_THREAD,
        OVERDUE,
        ERASE,
        ERASE_CONTACT,
    } == WITHOUT_CONTENT


async def test_what_waits_is_cancelled_and_blanked(rooms: Rooms) -> None:
    erasure = await erase(rooms.services, Target("handoff", "handoff"), by="test")
    (row,) = await rooms.services.ledger.find(DeliveryFilter())
    assert (row.state, row.body["erased"]) == (DeliveryState.CANCELLED, True)
    assert erasure.receipt.counts["cancelled"] == 1
    blank = await rooms.services.handoffs.get("handoff")
    assert blank is not None
    assert (blank.user_name, blank.title, blank.session) == (None, None, "{}")
    assert await rooms.services.people.user("hook", "user") is None


async def test_erasing_twice_finds_nothing_the_second_time(rooms: Rooms) -> None:
    await erase(rooms.services, Target("contact", "7"), by="test")
    again = await erase(rooms.services, Target("contact", "7"), by="test")
    assert again.receipt.counts["deliveries"] == again.receipt.counts["people"] == 0
    assert again.complete


async def test_a_user_with_another_handoff_is_still_known_after_one_was_erased(
    rooms: Rooms,
) -> None:
    await rooms.services.handoffs.open(
        handoff(id="second", start_key="other", state=HandoffState.RESOLVED)
    )
    await erase(rooms.services, Target("handoff", "handoff"), by="test")
    assert await rooms.services.people.user("hook", "user") is not None
    erasure = await erase(rooms.services, Target("user", "user"), by="test")
    assert (erasure.receipt.counts["handoffs"], erasure.receipt.counts["people"]) == (2, 1)


async def test_a_contact_is_found_whose_id_something_else_has_too(rooms: Rooms) -> None:
    await rooms.services.handoffs.open(
        handoff(id="second", start_key="other", state=HandoffState.RESOLVED, thread_id="7")
    )
    erasure = await erase(rooms.services, Target("contact", "7"), by="test")
    assert [one.id for one in erasure.receipt.handoffs] == ["handoff"]


async def test_a_user_without_handoffs_can_be_erased(rooms: Rooms) -> None:
    await rooms.services.people.remember(Person("hook", "new", name="Grace"))
    erasure = await erase(rooms.services, Target("user", "new"), by="test")
    assert (erasure.receipt.counts["handoffs"], erasure.receipt.counts["people"]) == (0, 1)


async def test_a_contact_of_two_portals_is_two_people(rooms: Rooms) -> None:
    services = rooms.services
    for name, portal_id in (("hook", "1"), ("other", "2")):
        await services.installations.remember(installation(name, portal_id=portal_id))
    await services.handoffs.open(
        handoff(id="second", installation_id="other", state=HandoffState.RESOLVED, contact_id="7")
    )
    with pytest.raises(CannotErase, match="somebody else"):
        await erase(services, Target("contact", "7"), by="test")
    erasure = await erase(services, Target("contact", "7", "other"), by="test")
    assert [one.id for one in erasure.receipt.handoffs] == ["second"]


@dataclass(slots=True)
class OneContact:
    """The CRM of every portal, in which each contact has a transcript."""

    emptied: list[str] = field(default_factory=list[str])

    def of(self, installation: Installation) -> Crm:
        return cast("Crm", self)

    async def get(self, kind: CrmType, id_: str, **_: object) -> CrmObject:
        return CrmObject(id_, kind, {CHAT_TRANSCRIPT: "AGENT\tnow\tHello"})

    async def update(self, kind: CrmType, id_: str, properties: Mapping[str, object]) -> None:
        assert properties == {CHAT_TRANSCRIPT: ""}
        self.emptied.append(id_)


@pytest.mark.parametrize(("portal_id", "emptied"), [("1", []), ("2", ["7"])])
async def test_a_transcript_that_another_bot_of_the_portal_wrote_too_is_left(
    rooms: Rooms, portal_id: str, emptied: list[str]
) -> None:
    crm = OneContact()
    services = replace(rooms.services, crm=crm)
    await services.installations.remember(installation("hook", portal_id="1"))
    await services.installations.remember(installation("other", portal_id=portal_id))
    await services.handoffs.open(
        handoff(id="second", installation_id="other", state=HandoffState.RESOLVED, contact_id="7")
    )
    erasure = await erase(services, Target("handoff", "handoff"), by="test", vendors=AT_HUBSPOT)
    assert crm.emptied == emptied
    assert [one for one in erasure.receipt.left if "holds other chats" in one] == (
        []
        if emptied
        else [f"HubSpot contact 7: {CHAT_TRANSCRIPT} holds other chats too; erase the contact"]
    )


async def test_a_contact_is_erased_with_what_every_bot_of_its_portal_had_of_it(
    rooms: Rooms,
) -> None:
    services = rooms.services
    for name, portal_id in (("hook", "1"), ("other", "1"), ("far", "2")):
        await services.installations.remember(installation(name, portal_id=portal_id))
    for name in ("other", "far"):
        await services.handoffs.open(
            handoff(id=name, installation_id=name, state=HandoffState.RESOLVED, contact_id="7")
        )
    erasure = await erase(services, Target("contact", "7", "hook"), by="test")
    assert {one.id for one in erasure.receipt.handoffs} == {"handoff", "other"}


async def test_an_artifact_that_cannot_be_erased_stays_known(rooms: Rooms) -> None:
    artifacts = MemoryArtifacts()
    services = replace(rooms.services, artifacts=artifacts)
    file = Artifact("hook", ArtifactKind.BOTPRESS_FILE, "gone-already", "handoff")
    await artifacts.add(file)
    await artifacts.add(file)
    erasure = await erase(services, Target("handoff", "handoff"), by="test")
    assert await artifacts.of("handoff") == [file]
    assert erasure.receipt.counts["files"] == 0
    erasure = await erase(services, Target("handoff", "handoff"), by="test", vendors=AT_BOTPRESS)
    assert (erasure.complete, await artifacts.of("handoff")) == (True, [])


async def test_an_agent_is_no_user_to_erase(rooms: Rooms) -> None:
    await rooms.services.people.remember(Person("hook", "agent", actor_id="A-1"))
    with pytest.raises(CannotErase, match="Nothing is known"):
        await erase(rooms.services, Target("user", "agent"), by="test")


async def test_a_handoff_that_goes_on_is_not_touched(rooms: Rooms) -> None:
    await rooms.services.handoffs.open(handoff(id="open", start_key="other"))
    with pytest.raises(CannotErase, match="'open' is not over"):
        await erase(rooms.services, Target("user", "user"), by="test")
    kept = await rooms.services.handoffs.get("handoff")
    assert kept is not None
    assert kept.user_name == "Ada"


async def test_an_erasure_is_in_the_audit_trail_with_its_signed_receipt(rooms: Rooms) -> None:
    audit = MemoryAudit(rooms.clock)
    services = replace(rooms.services, evidence=Evidence(audit, KEYS))
    await erase(services, Target("handoff", "handoff"), by="cli:ada", dry_run=True)
    erasure = await erase(services, Target("handoff", "handoff"), by="cli:ada")
    (entry,) = await audit.list()
    assert (entry.actor, entry.action, entry.subject) == ("cli:ada", "erased", "handoff:handoff")
    assert is_genuine(dict(entry.detail), KEYS)
    assert entry.detail["id"] == erasure.receipt.id


async def test_the_bots_messages_go_and_one_that_is_gone_is_no_trouble(rooms: Rooms) -> None:
    for id_ in ("1", "2"):
        rooms.bot.messages[id_] = MemoryMessage(id_, "conversation", "user", "text", {}, {})
    rooms.bot.messages["3"] = MemoryMessage("3", "elsewhere", "user", "text", {}, {})
    erasure = await erase(rooms.services, Target("user", "user"), by="test", vendors=AT_BOTPRESS)
    assert erasure.receipt.counts["botpressMessages"] == 2
    assert erasure.receipt.counts["botpressUsers"] == 0
    assert list(rooms.bot.messages) == ["3"]
    assert erasure.complete


async def test_what_a_vendor_refuses_is_named_and_the_rest_erased(rooms: Rooms) -> None:
    refusal = VendorRefused("no", vendor="hubspot", operation="threads.archive", status=403)
    rooms.portal.failing["archive_thread 9"] = refusal
    erasure = await erase(
        rooms.services, Target("handoff", "handoff"), by="test", vendors=("hubspot", "botpress")
    )
    assert erasure.receipt.left == (
        "HubSpot thread 9: vendor_refused",
        "HubSpot contact 7: bad_settings",
    )
    assert erasure.receipt.counts["deliveries"] == 1


async def test_hubspots_wish_is_tried_again_while_botpress_is_ailing(rooms: Rooms) -> None:
    services = rooms.services
    (message,) = await services.ledger.find(DeliveryFilter())
    stored = await services.handoffs.get("handoff")
    assert stored is not None
    await services.ledger.accept([erase_later(message, stored)])
    (it,) = await services.ledger.find(DeliveryFilter(kind=ERASE))

    services = replace(services, bots=Ailing())
    with pytest.raises(VendorFault):
        await handle_erase(services, it)
    blank = await services.handoffs.get("handoff")
    assert blank is not None
    assert blank.user_name is None
