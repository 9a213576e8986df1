from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.browser.conftest import Scene, Watched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def picture() -> bytes:
    """A red dot as PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\xd0\x30\x20" * 8 for _ in range(8))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


async def test_a_whole_handoff_is_played_by_hand(
    scene: Scene, tab: Watched, tmp_path: Path
) -> None:
    page = tab.page
    await page.goto(await scene.open_page())
    await page.click("#new-chat")
    await page.fill("#say-text", "Hello")
    await page.press("#say-text", "Enter")
    await expect(page.locator("#chat .mine")).to_contain_text("Hello")
    await page.click("#handoff")
    await page.click("#assign:enabled")
    await expect(page.locator("#user-sub")).to_have_text("with Agent 1")

    await page.click("#more summary")
    await page.fill("#reply-text", "Shall I look it up?")
    await page.fill("#replies", "Yes, No")
    await page.click("#reply button[type=submit]")
    await page.click("#choices button:has-text('Yes')")
    await expect(page.locator("#thread li").last).to_contain_text("Yes")
    await page.fill("#reply-text", "Only for colleagues")
    await page.click("#comment")
    await expect(page.locator("#thread .note").last).to_contain_text("Only for colleagues")

    file = tmp_path / "dot.png"
    file.write_bytes(picture())
    await page.set_input_files("#say-file", file)
    await expect(page.locator("#thread li img")).to_be_visible()
    await page.set_input_files("#reply-file", file)
    await expect(page.locator("#chat li.agent img")).to_be_visible()

    await page.click("#close")
    await expect(page.locator("#user-sub")).to_have_text("with the bot again")
    await page.click("#reopen")
    await expect(page.locator("#agent-sub")).to_contain_text("open")
    await expect(page.locator("#chat")).not_to_contain_text("Only for colleagues")
    await tab.shot("demo-by-hand")


async def test_a_message_written_during_an_outage_arrives_afterwards(
    scene: Scene, tab: Watched
) -> None:
    page = tab.page
    await page.goto(await scene.open_page())
    await page.click("#new-chat")
    await page.click("#handoff:enabled")
    await expect(page.locator("#assign")).to_be_enabled()
    await page.check("#switches input[data-key=outage]")
    for text in ("first", "second"):
        await page.fill("#say-text", text)
        await page.press("#say-text", "Enter")
    await expect(page.locator("#timeline tr.failed").first).to_be_visible()
    await page.uncheck("#switches input[data-key=outage]")
    said = page.locator("#thread li:not(.note):not(.event):not(.mine)")
    await expect(said.last).to_contain_text("second")
    assert "first" in await said.nth(-2).inner_text()


async def test_the_script_plays_to_its_end_through_outage_and_crash(
    scene: Scene, tab: Watched
) -> None:
    page = tab.page
    await page.goto(await scene.open_page())
    await page.click("#play")
    await expect(page.locator("#caption")).to_have_text(
        "The play is over. Now it is your turn.", timeout=25_000
    )
    rows = page.locator("#timeline")
    await expect(rows).to_contain_text("The end: everything arrived once and in order.")
    await tab.page.emulate_media(color_scheme="dark")
    await tab.shot("demo-script-dark")


async def test_another_sites_call_is_refused(scene: Scene, tab: Watched) -> None:
    url = await scene.open_page()
    request = tab.page.context.request
    foreign = await request.post(f"{url}/api/crash", headers={"Origin": "https://evil.example"})
    assert foreign.status == 403
    rebound = await request.get(f"{url}/api/state", headers={"Host": "evil.example"})
    assert rebound.status == 403
