"""What the flight recorder makes of a handoff's deliveries."""

from __future__ import annotations

from tests.rooms import handoff, open_rooms

from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.intake.ordering import AGAIN, MOVED
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, NewDelivery
from hubspot_hitl.web.console.recorder import Recording, record, step_of


def told(seq: int, key: str, state: DeliveryState) -> Delivery:
    return Delivery(
        seq=seq,
        dedup_key=key,
        lane="h",
        kind=MESSAGE,
        installation_id="hook",
        handoff_id="h",
        body={},
        timer=False,
        state=state,
        attempts=0,
        due_ms=0,
        accepted_ms=0,
        finished_ms=1,
    )


def test_a_message_that_was_put_behind_others_was_said_once() -> None:
    deliveries = [
        told(1, "b", DeliveryState.DONE),
        told(2, "c", DeliveryState.CANCELLED),
        told(3, "a", DeliveryState.DONE),
        told(4, f"b{AGAIN}1", DeliveryState.DONE),
        told(5, f"c{AGAIN}1", DeliveryState.DONE),
    ]
    recording = Recording(handoff(), [step_of(one) for one in deliveries], due=())
    assert [step.delivery.seq for step in recording.said] == [3, 4, 5]


async def test_a_message_that_was_put_behind_others_tells_why_it_was_cancelled() -> None:
    one = handoff()
    async with open_rooms() as rooms:
        await rooms.services.handoffs.open(one)
        keys = ["a", "b", f"b{AGAIN}1", "c"]
        await rooms.services.ledger.accept(
            [NewDelivery(key, one.id, MESSAGE, "hook", {}, handoff_id=one.id) for key in keys]
        )
        await rooms.services.ledger.cancel(["b", "c"])
        recording = await record(rooms.services, one.id)
    assert recording is not None
    assert [step.delivery.note for step in recording.steps] == [None, MOVED, None, None]
