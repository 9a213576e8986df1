"""Fetches a file over HTTP into a temporary file, within limits of size, time and type."""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from hubspot_hitl.errors import FileProblem, FileUnavailable, FileUnreachable
from hubspot_hitl.fetch.addresses import problem_of
from hubspot_hitl.fetch.names import file_name
from hubspot_hitl.fetch.resolver import NotPublicError, PublicResolver
from hubspot_hitl.fetch.types import HEAD_BYTES, REFUSED, named_by_type, type_of
from hubspot_hitl.ports.fetch import Fetch, FetchedFile

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a fetch may cost. `timeout_s` is for the whole, however slowly a host drips."""

    max_bytes: int = 20_000_000
    timeout_s: float = 30.0
    connect_s: float = 5.0
    idle_s: float = 10.0
    redirects: int = 5
    at_a_time: int = 16


class WebFetch:
    """:class:`~hubspot_hitl.ports.fetch.Fetch` over its own session, see :func:`open_fetch`."""

    def __init__(
        self, session: aiohttp.ClientSession, limits: Limits, *, allow_private: bool = False
    ) -> None:
        self._session = session
        self._limits = limits
        self._allow_private = allow_private
        self._free = asyncio.Semaphore(limits.at_a_time)

    @asynccontextmanager
    async def file(self, url: str, *, title: str | None = None) -> AsyncGenerator[FetchedFile]:
        """The file at `url`, on disk while the context is open. See the port for what it raises."""
        async with self._free:
            with tempfile.TemporaryDirectory(prefix="hitl-") as folder:
                path = Path(folder) / "content"
                try:
                    async with asyncio.timeout(self._limits.timeout_s):
                        fetched = await self._fetch(url, title, path)
                except TimeoutError:
                    raise FileUnreachable("its host is too slow") from None
                yield fetched

    async def _fetch(self, url: str, title: str | None, path: Path) -> FetchedFile:
        """Follow redirects by hand: each address is judged before it is asked."""
        for _ in range(self._limits.redirects + 1):
            problem = problem_of(url, allow_private=self._allow_private)
            if problem is not None:
                raise FileUnavailable(problem, FileProblem.ADDRESS)
            found = await self._ask(url, title, path)
            if isinstance(found, FetchedFile):
                return found
            url = found
        raise FileUnavailable("its address leads to too many others", FileProblem.REFUSED)

    async def _ask(self, url: str, title: str | None, path: Path) -> FetchedFile | str:
        """The file, or the address to go on to.

        Errors are translated here: aiohttp's texts hold the address, and that may hold a key.
        """
        try:
            async with self._session.get(
                URL(url), allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as response:
                if response.status in _REDIRECTS:
                    return _next(url, response.headers)
                _judge(response.status)
                return await self._save(response, url, title, path)
        except (ValueError, aiohttp.InvalidURL):
            raise FileUnavailable("its address is not readable", FileProblem.ADDRESS) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, NotPublicError):
                problem = "its address is not a public one"
                raise FileUnavailable(problem, FileProblem.ADDRESS) from None
            raise FileUnreachable("its host cannot be reached") from None
        except (aiohttp.ClientError, ConnectionError):
            raise FileUnreachable("its host broke the connection off") from None

    async def _save(
        self, response: aiohttp.ClientResponse, url: str, title: str | None, path: Path
    ) -> FetchedFile:
        self._fits(response.content_length or 0)
        head, size = b"", 0
        file = await asyncio.to_thread(path.open, "wb")
        with file:
            async for chunk in self._content(response):
                size += len(chunk)
                self._fits(size)
                head = head if len(head) >= HEAD_BYTES else head + chunk[: HEAD_BYTES - len(head)]
                await _write(file, chunk)
        if size == 0:
            raise FileUnavailable("it is empty", FileProblem.EMPTY)
        type_ = type_of(head, response.headers.get("Content-Type", ""))
        if type_ in REFUSED:
            raise FileUnavailable(*REFUSED[type_])
        name = file_name(response.headers.get("Content-Disposition"), url, title)
        return FetchedFile(path, size, named_by_type(name, type_), type_)

    async def _content(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The content, unpacked if the host packed it unasked; never more than one chunk at once.

        A few packed bytes can hold any size, so what comes out is limited, not what goes in.
        """
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in {"identity", "gzip", "deflate", ""}:
            raise FileUnavailable("its host packs it in an unknown way", FileProblem.DAMAGED)
        unpack = zlib.decompressobj(wbits=47) if coding in {"gzip", "deflate"} else None
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            if unpack is None:
                yield chunk
                continue
            rest = chunk
            while rest:
                try:
                    yield unpack.decompress(rest, _CHUNK_BYTES)
                except zlib.error:
                    problem = "its content is damaged"
                    raise FileUnavailable(problem, FileProblem.DAMAGED) from None
                rest = unpack.unconsumed_tail

    def _fits(self, size: int) -> None:
        most = self._limits.max_bytes
        if size > most:
            most_mb = most // 1_000_000 or 1
            problem = f"it is larger than {most_mb} MB"
            raise FileUnavailable(problem, FileProblem.TOO_LARGE, most_mb=most_mb)


async def _write(file: IO[bytes], chunk: bytes) -> None:
    await asyncio.to_thread(file.write, chunk)


def _judge(status: int) -> None:
    if status in _TRY_AGAIN:
        raise FileUnreachable("its host is out of order at the moment")
    if status in {404, 410}:
        raise FileUnavailable("it does not exist any more", FileProblem.GONE)
    if not 200 <= status < 300:
        raise FileUnavailable("its host does not give it out", FileProblem.REFUSED)


def _next(url: str, headers: Mapping[str, str]) -> str:
    place = headers.get("Location")
    if not place:
        raise FileUnavailable("its host sends us nowhere", FileProblem.REFUSED)
    there = urljoin(url, place)
    if urlsplit(url).scheme == "https" and urlsplit(there).scheme == "http":
        problem = "its host leads from a safe address to an unsafe one"
        raise FileUnavailable(problem, FileProblem.ADDRESS)
    return there


@asynccontextmanager
async def open_fetch(limits: Limits, *, allow_private: bool = False) -> AsyncGenerator[Fetch]:
    """A fetch with a session of its own: no cookies, no proxies, no kept connections or names.

    `allow_private` switches the check of addresses off, for demos and tests on one machine.
    """
    connector = aiohttp.TCPConnector(
        resolver=None if allow_private else PublicResolver(),
        use_dns_cache=False,
        force_close=True,
        limit=limits.at_a_time,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "hubspot-hitl"},
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=limits.connect_s, sock_read=limits.idle_s
        ),
    ) as session:
        yield WebFetch(session, limits, allow_private=allow_private)
