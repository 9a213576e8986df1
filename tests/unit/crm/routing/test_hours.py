from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from hubspot_hitl.crm.routing.facts import clock_facts
from hubspot_hitl.crm.routing.hours import BusinessHours, hours_of
from hubspot_hitl.errors import BadConfiguration

BERLIN = {
    "default": {
        "zone": "Europe/Berlin",
        "weekly": {"monday": ["09:00-12:00", "13:00-17:30"], "sunday": ["20:00-24:00"]},
        "holidays": ["2026-06-08"],
    },
    "inboxes": {"7": {"always": True}},
}
HOURS = hours_of(json.dumps(BERLIN))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [
        ("2026-06-01T06:59", False),
        ("2026-06-01T07:00", True),
        ("2026-06-01T10:30", False),
        ("2026-06-01T15:29", True),
        ("2026-06-01T15:30", False),
        ("2026-06-02T08:00", False),
        ("2026-06-08T08:00", False),
        ("2026-01-05T07:30", False),
        ("2026-01-05T08:00", True),
        ("2026-06-07T21:59", True),
    ],
)
def test_hours_are_local_with_summer_time_and_holidays(utc: str, is_open: bool) -> None:
    default = HOURS.of("1")
    assert default is not None
    assert default.open(at(utc)) is is_open


def test_an_inbox_has_its_own_hours() -> None:
    facts = clock_facts(at("2026-06-02T08:00"), HOURS, ("1", "7"))
    assert (facts["open"], facts["openInboxes"], facts["weekday"]) == (False, ["7"], "tuesday")
    assert facts["time"] == "10:00"


def test_without_hours_nothing_is_said_about_who_is_there() -> None:
    assert "open" not in clock_facts(at("2026-06-02T08:00"), BusinessHours(), ("1",))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{", "not valid JSON"),
        ('{"default": {"zone": "Mars/Base"}}', "default.zone: this zone is not known"),
        ('{"default": {"weekly": {"monday": ["17:00-09:00"]}}}', "monday.0: write times"),
        ('{"default": {"weekly": {"mon": []}}}', "default.weekly"),
        ('{"default": {"holidays": ["soon"]}}', "holidays.0"),
        ('{"defualt": {}}', "defualt"),
    ],
)
def test_bad_hours_are_refused_with_their_place(given: str, message: str) -> None:
    with pytest.raises(BadConfiguration, match="business hours") as caught:
        hours_of(given)
    assert message in caught.value.message


def test_zones_are_known_where_the_machine_has_none() -> None:
    """Slim images and Windows bring no time zones: then those of a dependency serve."""
    look = """
import sys
from hubspot_hitl.crm.routing.hours import hours_of
for zone in sys.argv[1:]:
    assert hours_of('{"default": {"zone": "%s"}}' % zone).default.zone == zone
"""
    command = [sys.executable, "-c", look, "Europe/Berlin", "America/Sao_Paulo"]
    subprocess.run(command, env={**os.environ, "PYTHONTZPATH": ""}, check=True)
