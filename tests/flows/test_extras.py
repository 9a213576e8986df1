"""The example package beside ours: its job and its summariser are found and used, when named."""

from __future__ import annotations

import shutil
import sys
import tomllib
from importlib import invalidate_caches
from pathlib import Path

import pytest
from tests.crm_portal import open_portal, services_of
from tests.fakes import FakeClock
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.crm.summarisers import summariser
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.handoff.summary import Extract, Spoken
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.store.memory import MemoryInstallations
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.upkeep.jobs import next_ms, registry

ROOT = Path(__file__).parents[2]
EXTRAS = ROOT / "examples" / "extras"
HOUR_MS = 3_600_000


@pytest.fixture
def extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as an installer leaves it: its module, and its entry points beside it."""
    site = tmp_path / "site"
    about = site / "hitl_extras-1.0.dist-info"
    about.mkdir(parents=True)
    shutil.copy(EXTRAS / "hitl_extras.py", site)
    project = tomllib.loads((EXTRAS / "pyproject.toml").read_text())["project"]
    lines = [
        line
        for group, names in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in names.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    invalidate_caches()
    monkeypatch.delitem(sys.modules, "hitl_extras", raising=False)


@pytest.mark.usefixtures("extras")
async def test_a_job_of_an_installed_package_runs_on_its_schedule() -> None:
    found = registry(None, "UTC", ("lead-enrichment",))
    (job,) = found.values()
    assert (job.name, job.cron, job.zone) == ("lead-enrichment", "0 */4 * * *", "Europe/Berlin")
    winter_midnight = 1_767_222_000_000
    assert next_ms(job, winter_midnight) - winter_midnight == 4 * HOUR_MS
    async with open_portal() as at:
        new = await at.crm.create(CrmType.CONTACT, {"email": "ada@example.com"})
        old = await at.crm.create(
            CrmType.CONTACT, {"email": "grace@example.com", "hs_lead_status": "OPEN"}
        )
        installations = MemoryInstallations()
        await installations.remember(at.installation)
        services = services_of(at, FakeClock(), installations=installations)
        assert await job.run(services) == "1 contact(s) marked"
        assert await job.run(services) == "0 contact(s) marked"
        contacts = at.portal.of_type("contacts")
        states = [contacts[one.id].properties["hs_lead_status"] for one in (new, old)]
        assert states == ["NEW", "OPEN"]


def test_what_no_package_offers_stops_the_start_and_names_the_setting() -> None:
    with pytest.raises(BadSettings, match=r"HITL_JOBS.*'lead-enrichment'"):
        registry(None, "UTC", ("lead-enrichment",))
    with pytest.raises(BadSettings, match=r"HITL_SUMMARISER.*'my-model'"):
        summariser("my-model")


async def test_without_a_name_the_chat_is_quoted() -> None:
    assert isinstance(summariser(None), Extract)


@pytest.mark.usefixtures("extras")
async def test_the_named_summariser_writes_the_note(stage: Stage, tmp_path: Path) -> None:
    house = House(stage, tmp_path, {"summariser": "my-model"})
    await house.open()
    await stage.install(house.url, endNote=True)
    chat, thread_id = await house.handoff(1)
    stage.botpress.plugin.say(chat, "my order broke")
    await house.until(chat, thread_id, user=1)
    stage.hubspot.agents.close(thread_id, stage.hubspot.agents.list()[0].actor_id)
    portal = stage.hubspot.world.portals[stage.hubspot.options.portal_id]
    assert await reached(lambda: bool(portal.of_type("notes")), WITHIN_S)
    (note,) = portal.of_type("notes").values()
    await house.close()
    body = str(note.properties["hs_note_body"])
    assert "Summary made by a machine:<br>(a model's answer to " in body
    assert "The user began" not in body


@pytest.mark.usefixtures("extras")
async def test_a_summariser_gets_who_said_what(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.rooms import handoff

    asked: list[str] = []

    async def model(prompt: str) -> str:
        asked.append(prompt)
        return "fine"

    made = summariser("my-model")
    monkeypatch.setattr(sys.modules["hitl_extras"], "ask_model", model)
    spoken = [Spoken("user", "Ada", 0, "It broke"), Spoken("agent", "Bo", 1, "Mended")]
    assert await made.summarise(handoff(), spoken) == "fine"
    assert asked == ["Summarise in two sentences:\nuser: It broke\nagent: Mended"]
