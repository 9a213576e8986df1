"""Users and agents each read their own language, and a rule's texts reach every corner."""

from __future__ import annotations

import json

import pytest
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import agent, commented, furnished, said

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import reached


@pytest.fixture
def house(bare: House) -> House:
    return bare


async def taken(house: House, language: str | None, name: str = "Ada") -> tuple[Chat, str]:
    """A handoff of a user of that language that an agent has taken."""
    plugin = house.stage.botpress.plugin
    chat = plugin.open_chat(name, f"{name.lower()}@example.com")
    plugin.say(chat, "help")
    await plugin.start_hitl(chat, title="T", session={"language": language} if language else None)
    thread_id = house.stage.thread_of(chat)
    house.stage.hubspot.agents.assign(thread_id, agent(house))
    assert await reached(lambda: chat.counts["hitlAssigned"] == 1, WITHIN_S)
    return chat, thread_id


async def test_every_answer_to_a_command_is_in_the_agents_language(house: House) -> None:
    await furnished(house, agentLanguage="fr")
    _, thread_id = await taken(house, "en")
    for comment, words in (
        ("/help", "Commandes, à écrire en commentaire interne"),
        ("/who", "Nom : Ada"),
        ("/nonsense", "La commande /nonsense n'existe pas."),
        ("/wait soon", "Ce n'est pas une durée."),
        ("/wait 5m", "L'utilisateur a été prié de patienter. Rappel dans 5 min."),
        ("/reask", "Aucun agent n'a encore écrit à l'utilisateur."),
        ("/transfer nowhere", "Écrivez /transfer et l'une de ces boîtes"),
        ("/bot", "Le bot a repris la conversation."),
    ):
        house.stage.hubspot.agents.comment(thread_id, agent(house), comment)
        await commented(house, thread_id, words)
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/end")
    await commented(house, thread_id, "il n'y a plus rien à piloter")


async def test_user_and_agent_each_read_their_own_language(house: House) -> None:
    await furnished(house, agentLanguage="de", stopWords="adios")
    chat, thread_id = await taken(house, "es-MX")
    house.stage.hubspot.agents.assign(thread_id, agent(house, 1))
    assert await reached(lambda: bool(said(chat)), WITHIN_S)
    assert said(chat)[0]["text"] == "Otro agente se hace cargo."
    house.stage.botpress.plugin.say(chat, "adios")
    await commented(house, thread_id, "Der Chat wurde von der anderen Seite beendet.")


async def test_without_an_own_language_agents_read_the_users(house: House) -> None:
    await furnished(house)
    _, thread_id = await taken(house, "pt-BR")
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/help")
    await commented(house, thread_id, "Comandos, escritos como comentário interno")


async def test_an_answer_can_be_replaced_and_switched_off(house: House) -> None:
    await furnished(house, texts={"agent-answer-who": "NULL", "agent-answer-help.en": "Ask Jo."})
    _, thread_id = await taken(house, None)
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/who")
    house.stage.hubspot.agents.comment(thread_id, agent(house), "/help")
    await commented(house, thread_id, "Ask Jo.")
    assert not any("Ada" in text for text in _answers(house, thread_id))


async def test_the_texts_of_a_rule_reach_reminders_held_replies_and_placeholders(
    house: House,
) -> None:
    texts = {
        "waiting.fr": "Un instant, cher membre.",
        "agent-note-nudge.fr": "Un membre attend.",
        "agent-note-held.fr": "Gardé pour le membre.",
        "agent-note-held-sent.fr": "Le membre l'a reçu.",
        "empty-message.fr": "[Rien pour un membre]",
    }
    rules = [{"name": "member", "when": {"handoff.language": "fr"}, "then": {"texts": texts}}]
    await furnished(house, routingRules=json.dumps(rules), lateReplies="hold")
    chat, thread_id = await taken(house, "fr")
    agents = house.stage.hubspot.agents
    agents.comment(thread_id, agent(house), "/wait 1s")
    await commented(house, thread_id, "Un membre attend.")
    agents.reply(thread_id, agent(house), " ")
    assert await reached(lambda: len(said(chat)) == 2, WITHIN_S)
    assert [line["text"] for line in said(chat)] == [
        "Un instant, cher membre.",
        "[Rien pour un membre]",
    ]
    agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    agents.reply(thread_id, agent(house), "Encore une chose")
    await commented(house, thread_id, "Gardé pour le membre.")


def _answers(house: House, thread_id: str) -> list[str]:
    """What was commented behind the commands."""
    told = [str(e["text"]) for e in house.stage.hubspot.transcript(thread_id)]
    return told[told.index("/who") :] if "/who" in told else []
