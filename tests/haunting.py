"""Every field that a stranger controls holds what a page or a terminal might obey."""

from __future__ import annotations

import json

from tests.flows.conftest import House

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.hubspot.properties import definitions

BIDI = "\u202e"


def evil(mark: str) -> str:
    """A script, a template, a formula, brackets, terminal escapes; `mark` tells them apart."""
    return (
        f"=1+1 {mark}\"'><script>alert('{mark}')</script><img src=x onerror=alert('{mark}')>"
        f"{{{{7*7}}}}[bold]\x1b[2J\x1b]0;{mark}\x07\x9b31m{BIDI}"
    )


def prepare(house: House) -> str:
    """Evil names in the portal; the routing rules to install with."""
    world = house.stage.hubspot.world
    portal = world.portals[house.stage.hubspot.options.portal_id]
    for inbox in portal.inboxes.values():
        inbox.name = evil("inbox")
    known = definitions(portal, "contacts")
    known["city"] |= {"label": evil("label"), "groupName": evil("group"), "type": evil("type")}
    known["state"]["options"] = [{"label": evil("option"), "value": evil("value")}]
    rule = {"name": evil("rule")[:90], "when": {"handoff.title": "x"}, "then": {"priority": "high"}}
    return json.dumps([rule])


async def haunt(house: House) -> str:
    """Say evil things on both sides, let HubSpot refuse the last with evil words; the thread."""
    stage = house.stage
    plugin, agents = stage.botpress.plugin, stage.hubspot.agents
    waits = plugin.open_chat(evil("waiting"), "waits@example.com")
    await plugin.start_hitl(waits, title=evil("question"))
    chat = plugin.open_chat(evil("user"), "user@example.com")
    await plugin.start_hitl(chat, title=evil("title"), description=evil("description"))
    thread_id = stage.thread_of(chat)
    agent = agents.add(evil("agent"), "agent@portal.example")
    agents.assign(thread_id, agent.actor_id)
    plugin.say(chat, evil("words"))
    plugin.send(chat, "file", {"fileUrl": "https://127.0.0.1:9/x", "title": evil("file")})
    agents.comment(thread_id, agent.actor_id, evil("comment"))
    item = agents.attach(thread_id, evil("attached"), b"x", "text/plain")
    agents.reply(
        thread_id,
        agent.actor_id,
        evil("answer"),
        attachments=[item],
        quick_replies=(evil("choice"),),
    )
    await house.until(chat, thread_id, user=2, agent=1)
    words = evil("refusal")  # for an hour, so that nothing else is said of it meanwhile
    stage.hubspot.faults.add(
        Fault(FaultKind.ERROR_503, ("messages.publish",), retry_after_s=3600, message=words)
    )
    plugin.say(chat, "the one that fails")
    return thread_id
