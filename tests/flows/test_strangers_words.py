"""What strangers wrote is shown as text: on the console's pages, in exports, in a terminal."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.commands import run_command
from tests.flows.conftest import WITHIN_S, House
from tests.flows.console_desk import TOKEN, log_in, session
from tests.haunting import BIDI, evil, haunt, prepare

from hubspot_hitl.integration.definition import load_definition
from hubspot_hitl.twins.botpress.options import BotpressOptions
from hubspot_hitl.twins.hubspot.options import HubSpotOptions
from hubspot_hitl.twins.stage import Stage, reached

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAGS = frozenset(
    {
        "code",
        "details",
        "input",
        "p",
        "th",
        "section",
        "text",
        "ul",
        "b",
        "span",
        "html",
        "script",
        "svg",
        "label",
        "h1",
        "line",
        "head",
        "rect",
        "summary",
        "h2",
        "body",
        "footer",
        "div",
        "option",
        "button",
        "nav",
        "tr",
        "select",
        "main",
        "ol",
        "title",
        "meta",
        "pre",
        "tbody",
        "header",
        "form",
        "td",
        "thead",
        "link",
        "a",
        "strong",
        "path",
        "li",
        "table",
        "g",
    }
)
OBEYED = re.compile(rf"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f{BIDI}]")
ASKED = quote(evil("asked"), safe="")


@dataclass(frozen=True, slots=True)
class Haunted:
    """A server full of evil words, somebody who is logged in, and the handoff's thread."""

    house: House
    http: aiohttp.ClientSession
    thread_id: str

    async def page(self, path: str) -> tuple[int, str]:
        answer = await self.http.get(f"{self.house.url}/console{path}")
        return answer.status, await answer.text()

    async def failed(self) -> str:
        """The number of the delivery that HubSpot refused with evil words."""
        text = ""
        for _ in range(500):
            _, text = await self.page("/deliveries?state=ready")
            found = re.search(r"/console/deliveries/(\d+)\"(?:(?!</tr>).)*refusal", text, re.DOTALL)
            if found:
                return found[1]
        raise AssertionError(text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def haunted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Haunted]:
    stage = Stage(
        HubSpotOptions(rate_limit=None, hook_retry_base_s=0.05),
        BotpressOptions(rate_limit_per_s=None),
        definition=load_definition(),
    )
    await stage.start()
    house = House(stage, tmp_path_factory.mktemp("house"), {"console_token": SecretStr(TOKEN)})
    await house.open()
    try:
        await stage.install(house.url, routingRules=prepare(house))
        thread_id = await haunt(house)
        async with session() as http:
            await log_in(http, house)
            yield Haunted(house, http, thread_id)
    finally:
        await house.close()
        await stage.stop()


class Page(HTMLParser):
    """The text of a page, its links; complains of everything that templates do not write."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.foreign.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name == "style":
                self.foreign.append(f"{tag} {name}")
            elif name in ("href", "src", "action") and not re.match(r"/|[?#]|data:,$", address):
                self.foreign.append(f"{tag} {name} {value}")
            elif tag == "script" and name == "src" and not address.startswith("/console/static/"):
                self.foreign.append(f"script {value}")
        self.said += " ".join(
            value or "" for name, value in attrs if name in ("value", "aria-label")
        )

    def handle_data(self, data: str) -> None:
        self.said += data


def shown(text: str, *marks: str) -> None:
    """The page holds the words of each mark as text, and no markup of theirs."""
    page = Page()
    page.feed(text)
    assert page.foreign == []
    assert "49[bold]" not in text
    for mark in marks:
        said = page.said.replace("\\'", "'")  # where our own sentence quotes it
        assert f"<script>alert('{mark}')</script><img" in said, mark
    assert not re.search(r"<script>|onerror=alert[^&]*>", text)


@pytest.mark.parametrize(
    ("path", "marks"),
    [
        ("/", ("waiting",)),
        ("/handoffs", ("user", "title")),
        (f"/handoffs?q={ASKED}&which={ASKED}&before={ASKED}", ("asked",)),
        ("/handoffs/{thread}", ("user", "title", "description", "words", "answer", "rule")),
        ("/handoffs/{thread}?thread=1", ("comment", "answer", "words")),
        ("/deliveries?state=done", ("words",)),
        ("/deliveries?state=ready", ("refusal",)),
        (f"/deliveries?state={ASKED}", ()),
        ("/deliveries/{failed}", ("refusal",)),
        ("/deliveries/{failed}/discard", ()),
        (f"/figures?span={ASKED}", ()),
        ("/connections", ()),
        ("/plan", ()),
        ("/fields", ("label", "group", "type", "value")),
        (f"/fields?q={ASKED}&type={ASKED}", ("asked",)),
        (f"/rules?explain=1&contact={ASKED}&title={ASKED}&text={ASKED}", ("rule", "asked")),
        ("/rules?explain=1&contact=user%40example.com", ("rule",)),
        ("/doctor", ("inbox",)),
        (f"/audit?before={ASKED}&verify={ASKED}", ()),
    ],
)
async def test_a_page_shows_strangers_words_as_text(
    haunted: Haunted, path: str, marks: tuple[str, ...]
) -> None:
    if "{failed}" in path:
        path = path.replace("{failed}", await haunted.failed())
    if path == "/doctor":
        form = {
            "csrf": re.findall(r'name="csrf" value="([^"]+)"', (await haunted.page(path))[1])[0]
        }
        await haunted.http.post(f"{haunted.house.url}/console/doctor", data=form)
    if "state=ready" in path:
        await haunted.failed()
    status, text = await haunted.page(path.replace("{thread}", haunted.thread_id))
    assert status == 200
    shown(text, *marks)


@pytest.mark.parametrize(
    "path",
    [
        f"/handoffs/{ASKED}",
        f"/handoffs/{ASKED}/end",
        f"/handoffs/{ASKED}/bundle.zip",
        f"/connections?installation={ASKED}",
        f"/fields?installation={ASKED}",
        f"/rules?installation={ASKED}",
        f"/plan?installation={ASKED}",
        f"/figures.csv?span={ASKED}",
        f"/{ASKED}",
    ],
)
async def test_a_refusal_repeats_nothing_that_runs(haunted: Haunted, path: str) -> None:
    status, text = await haunted.page(path)
    assert status in (200, 400, 404)
    assert "<script>alert" not in text
    assert "<img" not in text


async def test_the_log_in_repeats_nothing_that_runs(haunted: Haunted) -> None:
    async with session() as stranger:
        agent = {"User-Agent": evil("agent").encode("unicode_escape").decode()}
        address = f"{haunted.house.url}/console/login?next={ASKED}"
        shown(await (await stranger.get(address, headers=agent)).text(), "asked")
        form = {"token": evil("token"), "next": evil("asked")}
        wrong = await stranger.post(address, data=form, headers=agent)
        assert wrong.status == 401
        shown(await wrong.text(), "asked")


@pytest.mark.parametrize("span", ["hour", "day", "week"])
async def test_no_cell_of_an_export_is_a_formula(haunted: Haunted, span: str) -> None:
    _, text = await haunted.page(f"/figures.csv?span={span}")
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) > 1
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        (("sessions", "list"), "user"),
        (("sessions", "list", "--json"), "user"),
        (("sessions", "show", "{thread}"), "title"),
        (("sessions", "show", "{thread}", "--json"), "title"),
        (("sessions", "show", evil("asked")), "asked"),
        (("deliveries", "list", "--state", "ready"), ""),
        (("deliveries", "show", "{failed}"), "refusal"),
        (("report",), ""),
        (("report", "--json"), ""),
        (("rules", "check"), ""),
        (("status",), ""),
        (("plan",), ""),
        (("doctor",), "inbox"),
    ],
)
async def test_a_terminal_obeys_no_stranger(
    haunted: Haunted, command: tuple[str, ...], mark: str
) -> None:
    house = haunted.house
    failed = await haunted.failed() if "{failed}" in command else ""
    words = [
        one.replace("{thread}", haunted.thread_id).replace("{failed}", failed) for one in command
    ]
    said = await run_command(*words, env=house.environment(), folder=house.folder)
    every = said.out + said.err
    assert every
    assert not OBEYED.search(every.replace("\r\n", "\n")), every
    if mark:
        assert mark in every


async def test_the_words_are_really_there(haunted: Haunted) -> None:
    heard = haunted.house.stage.heard_by_agent(haunted.thread_id)
    assert await reached(lambda: len(heard) >= 2, WITHIN_S)
    assert "\x1b[2J" in heard[0]
