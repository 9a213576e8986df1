"""One handoff that uses every kind both ways, as both sides saw it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands import run_command
from tests.flows.conftest import House

from hubspot_hitl.twins.showcase import Showcase

TO_AGENT = (
    "Ada Lovelace: Name: Ada Lovelace / Title: A bike",
    "(comment): Conversation before the handoff",
    "Ada Lovelace: My bike squeaks.",
    "Ada Lovelace: שלום, e\u0301té 👩\u200d🔧",
    "Ada Lovelace: (1/2) squeak",
    "Ada Lovelace: (2/2) squeak",
    "Ada Lovelace: [Empty message]",
    "Ada Lovelace: [Image] My bike [FILE IMAGE]",
    "Ada Lovelace: [Audio] [FILE AUDIO]",
    "Ada Lovelace: [Video] [FILE OTHER]",
    "Ada Lovelace: [File] The bill [FILE OTHER]",
    "(it does not exist any more)",
    "Ada Lovelace: Look: / [Image] My bike / [Audio] / [Video] / [File] The bill / [Location]",
    "Ada Lovelace: [Location] Marienplatz 1 (48.1, 11.6) [LOCATION]",
    "Ada Lovelace: _really_ loud",
    "Ada Lovelace: [Card] City bike / 7 gears / - Take it",
    "Ada Lovelace: [Card] City bike / 7 gears / - Take it / [Card] Cargo bike",
    "Ada Lovelace: Which colour? / 1. Red / 2. Blue [QUICK_REPLIES]",
    "Ada Lovelace: Which size? / 1. Red / 2. Blue [QUICK_REPLIES]",
    "Ada Lovelace: 1 (Repair)",
)
TO_USER = (
    "bot: A person has joined the conversation.",
    "Agent 1: Hello Ada, I am here.",
    "Agent 1: Two steps: / 1. **oil** / 2. then *turn*",
    "Agent 1: Here:",
    "Agent 1: [image] step (a link)",
    "Agent 1: Turn it.",
    "Agent 1: With step.png",
    "Agent 1: [image] step.png (a link)",
    "Agent 1: [audio] squeak.mp3 (a link)",
    "Agent 1: [audio] note.ogg (a link)",
    "Agent 1: [video] how.mp4 (a link)",
    "Agent 1: [file] offer.pdf (a link)",
    "Agent 1: > Hello Ada, I am here. / I mean this",
    "Agent 1: long long",
    "Agent 1: [Empty message]",
    "Agent 1: Repair or new one? / 1. Repair / 2. New one",
    "Support: Please wait, an agent will be with you shortly.",
    "Support: Another agent is taking over.",
    "bot: A person has joined the conversation.",
    "Agent 2: I take over.",
    "bot: The person has left the conversation. The bot is back.",
)


def missing(wanted: tuple[str, ...], seen: list[str]) -> list[str]:
    """What of `wanted` is not in `seen`, in this order."""
    lines = iter(seen)
    return [words for words in wanted if not any(words in line for line in lines)]


async def test_every_kind_crosses_both_ways_in_one_handoff(home: House) -> None:
    seen = await Showcase(home.stage).play()
    assert missing(TO_AGENT, seen.by_agent) == [], seen.by_agent
    assert missing(TO_USER, seen.by_user) == [], seen.by_user
    from_user = [line for line in seen.by_agent if line.startswith("Ada")]
    assert len(from_user) == len(TO_AGENT) - 1  # the history is a comment
    from_agents = [line for line in seen.by_agent if line.startswith("Agent")]
    assert all(line.endswith("<SENT>") for line in from_agents)
    assert not any("hurry" in line or "/who" in line for line in seen.by_user)


async def test_the_demo_prints_both_transcripts(tmp_path: Path) -> None:
    said = await run_command("demo", "--every-kind", "--json", env={}, folder=tmp_path)
    assert said.status == 0, said.err
    told = json.loads(said.out)
    assert missing(TO_USER, told["byUser"]) == missing(TO_AGENT, told["byAgent"]) == []
