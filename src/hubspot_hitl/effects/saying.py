"""What we say in our own name: texts to the user, comments to the agents; each once."""

from __future__ import annotations

from functools import partial

from hubspot_hitl.effects.agents import SYSTEM_ACTOR, as_agent, mirror_agent
from hubspot_hitl.effects.comments import comments_in, write_comment
from hubspot_hitl.handoff.marks import has_mark
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.tags import MessageTag
from hubspot_hitl.integration.words import agents_words, texts_of
from hubspot_hitl.ports.ledger import Delivery
from hubspot_hitl.ports.reading import name_of
from hubspot_hitl.ports.services import Services


def agents_text(
    installation: Installation, handoff: Handoff, key: TextKey, **values: str
) -> str | None:
    """A text for the agents, in their language; None when it is switched off."""
    words = agents_words(installation, handoff)
    return words.texts.get(key, words.language, **values)


def agents_placeholder(
    installation: Installation, handoff: Handoff, key: TextKey, **values: str
) -> str:
    """The same for a text that stands for content: it cannot be switched off."""
    return agents_words(installation, handoff)(key, **values)


async def note_once(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    it: Delivery,
    text_key: TextKey,
    *,
    key: str | None = None,
) -> bool:
    """Leave one of our notes to the agents in the thread; returns whether it wrote."""
    text = agents_text(installation, handoff, text_key)
    return text is not None and await comment_once(
        services, installation, handoff, it, text, key=key or text_key.value
    )


async def say_to_user(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    text_key: TextKey,
    *,
    key: str,
) -> bool:
    """Say one of our texts in the bot's conversation; the same `key` twice is one message.

    Returns whether there was anything to say: a text can be switched off.
    """
    text = texts_of(installation, handoff).get(text_key, handoff.language)
    if not text:
        return False
    return await tell_user(services, installation, handoff, text, key=key)


async def tell_user(
    services: Services, installation: Installation, handoff: Handoff, text: str, *, key: str
) -> bool:
    """Say `text` in the bot's conversation, as nobody in particular."""
    if handoff.conversation_id is None:
        return False
    speaker = await mirror_agent(services, installation, SYSTEM_ACTOR)
    say = partial(
        services.bots.of(installation).get_or_create_message,
        handoff.conversation_id,
        type_="text",
        payload={"text": text},
        tags={MessageTag.ID.value: key},
        discriminate_by=[MessageTag.ID.value],
    )
    await as_agent(services, installation, speaker, say)
    return True


async def comment_once(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    it: Delivery,
    text: str,
    *,
    key: str,
) -> bool:
    """Put an internal comment into the thread, once per delivery and `key`.

    HubSpot's comments have no idempotency id. So each carries a mark (`handoff.marks`), and a
    delivery that may have begun before looks for it first. Returns whether it wrote.
    """
    if handoff.thread_id is None:
        return False
    mark = f"{name_of(services, it)}:{key}"
    if it.started or it.attempts:
        written = await comments_in(services, installation, handoff.thread_id)
        if any(has_mark(comment, mark) for comment in written):
            return False
    await services.ledger.mark_started(it)
    await write_comment(services, installation, handoff.thread_id, text, mark)
    return True
