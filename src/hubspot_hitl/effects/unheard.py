"""What agents said to a session of the bot that never began: the plugin dropped it unseen."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.effects.spoken import BOT_MESSAGE
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.intake.codec import message_of
from hubspot_hitl.intake.hubspot_events import MESSAGE
from hubspot_hitl.intake.ordering import first_key
from hubspot_hitl.intake.thread_history import is_agent_message
from hubspot_hitl.ports.hubspot_records import ThreadMessage
from hubspot_hitl.ports.ledger import ERASED, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.services import Services

BEGUN_ANEW: Final = "bot.begun_anew"
MOST: Final = 1_000


def begun_anew(handoff: Handoff, mark: str, marks: str | None) -> NewDelivery:
    """The delivery that tells the bot's new session, in the handoff's lane; one for each `mark`.

    `marks` are those of the history with which the session began; None when it was told nothing
    new. Then the session may be the first one, and learns of nothing but an end.
    """
    return NewDelivery(
        dedup_key=f"{mark}:{handoff.id}",
        lane=handoff.id,
        kind=BEGUN_ANEW,
        installation_id=handoff.installation_id,
        body={"mark": mark} if marks is None else {"mark": mark, "marks": marks},
        handoff_id=handoff.id,
    )


async def is_heard(services: Services, handoff: Handoff) -> bool:
    """Whether the bot has a session of this handoff for certain: it has passed something on."""
    from_bot = DeliveryFilter(handoff_id=handoff.id, kind=BOT_MESSAGE, limit=1)
    return bool(await services.ledger.find(from_bot))


async def unheard(services: Services, handoff: Handoff) -> list[ThreadMessage]:
    """What agents have said, in the order in which it was passed on, if nobody has heard it.

    Nobody has while nothing ever came from the bot's side: a session that is active passes on what
    the user says, and one that ends tells the agent so.
    """
    if await is_heard(services, handoff):
        return []
    said = await services.ledger.find(
        DeliveryFilter(
            handoff_id=handoff.id,
            kind=MESSAGE,
            states=(DeliveryState.DONE,),
            newest_first=False,
            limit=MOST,
        )
    )
    # A message that was put behind elder ones left a delivery at each of its places.
    last = {first_key(one): one for one in said if one.body != ERASED}
    messages = [message_of(one) for one in sorted(last.values(), key=lambda one: one.seq)]
    return [message for message in messages if is_agent_message(message)]
