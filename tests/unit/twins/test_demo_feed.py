from __future__ import annotations

import asyncio

import pytest

from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.journal import Journal
from hubspot_hitl.twins.pages.feed import KEPT, Feed, tell
from hubspot_hitl.twins.pages.switches import SWITCHES, Switchboard
from hubspot_hitl.twins.stage import Stage
from hubspot_hitl.twins.wire import Json


def test_a_call_tells_its_way_and_whether_it_worked() -> None:
    call = {"kind": "call", "operation": "messages.publish", "status": 503, "ms": 2.5}
    told = tell("hubspot", {**call, "faults": ["error_503"]})
    assert told is not None
    assert (told["from"], told["to"], told["level"]) == ("bridge", "inbox", "bad")
    assert (told["outcome"], told["detail"]) == ("503", "error_503")
    fine = tell("botpress", {**call, "status": 201, "faults": []})
    assert fine is not None
    assert (fine["to"], fine["level"]) == ("bot", "ok")


def test_what_the_relay_at_botpress_does_is_told_once() -> None:
    entry: Json = {
        "kind": "call",
        "operation": "front.webhook",
        "status": 200,
        "ms": 1,
        "faults": [],
    }
    assert tell("botpress", entry) is None
    assert tell("botpress", {"kind": "message_known"}) is None


def test_long_words_are_cut() -> None:
    told = tell("botpress", {"kind": "line", "author": "user", "text": "word " * 1000})
    assert told is not None
    assert len(told["detail"]) < 200


async def test_a_page_that_comes_back_gets_what_it_missed() -> None:
    feed, journal = Feed(), Journal(lambda: 1.5)
    feed.start(journal, Journal(lambda: 1.5))
    await asyncio.sleep(0)
    with feed.follow() as queue:
        journal.add("status", status="SENT", id="1")
        seen = await queue.get()
        for number in range(KEPT + 5):
            feed.say(number, f"line {number}")
    await feed.stop()
    missed = feed.after(feed.mark(seen))
    assert len(missed) == KEPT
    assert missed[-1]["what"] == f"line {KEPT + 4}"
    assert feed.after(feed.mark(missed[-1])) == []


@pytest.mark.parametrize("mark", ["", "-1", "1", "0badc0de-1", "x-y", "\0"])
def test_a_page_of_an_earlier_run_gets_everything(mark: str) -> None:
    feed = Feed()
    feed.say(1, "first")
    feed.say(2, "second")
    assert [entry["what"] for entry in feed.after(mark)] == ["first", "second"]


def test_a_switch_leaves_other_faults_alone() -> None:
    stage = Stage()
    board = Switchboard(stage)
    stage.hubspot.faults.add(Fault(FaultKind.LATENCY, seconds=0.1))
    board.put("outage", on=True)
    board.put("outage", on=True)
    assert len(stage.hubspot.faults.as_json()["faults"]) == 2
    board.put("outage", on=False)
    board.put("outage", on=False)
    assert len(stage.hubspot.faults.as_json()["faults"]) == 1
    with pytest.raises(KeyError):
        board.put("unknown", on=True)


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_tells_what_it_breaks_and_what_must_hold(name: str) -> None:
    switch = SWITCHES[name]
    assert switch.side in ("hubspot", "botpress")
    assert switch.promise.endswith(".")
