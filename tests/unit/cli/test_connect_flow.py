from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ports import own_port

from hubspot_hitl.cli.connect_flow import catch_code, code_of, new_state
from hubspot_hitl.errors import BadSignature, CallerError


def free_redirect_uri() -> str:
    return f"http://localhost:{own_port()}/cb"


async def visit(uri: str, state: str, queries: list[str]) -> tuple[str, list[int]]:
    listening, statuses = asyncio.Event(), list[int]()

    async def browse() -> None:
        await listening.wait()
        async with aiohttp.ClientSession() as browser:
            for query in queries:
                async with browser.get(
                    f"{uri.replace('localhost', '127.0.0.1')}?{query}"
                ) as answer:
                    statuses.append(answer.status)

    task = asyncio.create_task(browse())
    try:
        return await catch_code(uri, state, listening=listening, timeout_s=20), statuses
    finally:
        await asyncio.gather(task, return_exceptions=True)


async def test_the_redirect_is_caught_and_a_foreign_one_is_refused() -> None:
    code, statuses = await visit(
        free_redirect_uri(), "mine", ["code=evil&state=theirs", "code=c-1&state=mine"]
    )

    assert (code, statuses) == ("c-1", [400, 200])


async def test_a_cancelled_consent_ends_the_wait_with_its_cure() -> None:
    with pytest.raises(CallerError, match="consent was cancelled"):
        await visit(free_redirect_uri(), "mine", ["error=access_denied&state=mine"])


async def test_nobody_coming_back_ends_the_wait() -> None:
    with pytest.raises(CallerError, match="no redirect came"):
        await catch_code(free_redirect_uri(), "s", listening=asyncio.Event(), timeout_s=0)


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        uri = f"http://localhost:{port}/cb"
        with pytest.raises(CallerError, match=f"port {port} is taken"):
            await catch_code(uri, "s", listening=asyncio.Event(), timeout_s=20)


@pytest.mark.parametrize(
    "uri", ["https://bot.example/cb", "http://localhost/cb", "http://10.0.0.1:1"]
)
async def test_only_a_loopback_address_is_listened_on(uri: str) -> None:
    with pytest.raises(CallerError, match="not a loopback URL"):
        await catch_code(uri, "s", listening=asyncio.Event(), timeout_s=1)


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        (" c-1 \n", "c-1"),
        ("https://bot.example/cb?code=c-1&state=s", "c-1"),
        ("?state=s&code=c%2F1", "c/1"),
    ],
)
def test_a_code_is_found_in_what_is_pasted(pasted: str, code: str) -> None:
    assert code_of(pasted, "s") == code


@pytest.mark.parametrize(
    ("pasted", "error", "reason"),
    [
        ("", CallerError, "nothing was pasted"),
        ("https://bot.example/cb?code=c&state=old", BadSignature, "another state"),
        ("https://bot.example/cb?code=c", BadSignature, "another state"),
        ("https://bot.example/cb?state=s", CallerError, "no code"),
        ("https://[bad?code=c&state=s", CallerError, "not a URL"),
        ("?error=invalid_scope&state=s", CallerError, "Auth tab"),
        ("?error=unheard_of&state=s", CallerError, "unheard_of"),
    ],
)
def test_what_cannot_be_used_is_explained(
    pasted: str, error: type[CallerError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        code_of(pasted, "s")


@given(st.text())
def test_any_pasted_text_gives_a_code_or_an_explanation(pasted: str) -> None:
    try:
        assert code_of(pasted, "s")
    except CallerError as error:
        assert len(error.message) > 20  # noqa: PT017 - either end is right


def test_states_do_not_repeat() -> None:
    assert len({new_state() for _ in range(100)}) == 100
