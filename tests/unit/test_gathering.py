"""Reads that share a round trip: what each caller may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hubspot_hitl.gathering import Gathering, SharedReads


class Shelf:
    """A table that is read slowly; `gate` lets the reads that wait go on."""

    def __init__(self) -> None:
        self.content = {"a": 1, "b": 2, "c": 3}
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.fails = False

    async def read(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(keys))
        found = {key: self.content[key] for key in keys if key in self.content}
        await self.gate.wait()
        if self.fails:
            raise OSError("away")
        return found

    async def read_one(self, key: str) -> int:
        return (await self.read([key]))[key]


async def test_reads_that_come_meanwhile_share_the_next_query() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.read)
    tasks = [asyncio.create_task(gathering.get(["a"]))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(gathering.get([key])) for key in ("b", "c", "b")]
    await asyncio.sleep(0)
    shelf.gate.set()
    found = await asyncio.gather(*tasks)
    assert shelf.asked == [["a"], ["b", "c"]]
    assert found[1]["b"] == 2
    assert found[2]["c"] == 3


async def test_a_caller_never_gets_an_answer_that_is_older_than_its_call() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.read)
    first = asyncio.create_task(gathering.get(["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    shelf.content["a"] = 10
    second = asyncio.create_task(gathering.get(["a"]))
    await asyncio.sleep(0)
    shelf.gate.set()
    assert (await first)["a"] == 1
    assert (await second)["a"] == 10


async def test_cancelling_one_caller_takes_nothing_from_the_others() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.read)
    one, other = (asyncio.create_task(gathering.get(["a"])) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    shelf.gate.set()
    assert (await other)["a"] == 1
    assert one.cancelled()


async def test_an_error_reaches_those_who_asked_and_the_next_read_is_new() -> None:
    shelf = Shelf()
    shelf.fails = True
    shelf.gate.set()
    gathering = Gathering(shelf.read)
    with pytest.raises(OSError, match="away"):
        await gathering.get(["a"])
    shelf.fails = False
    assert (await gathering.get(["a"]))["a"] == 1


async def test_shared_reads_keep_the_errors_of_one_key_from_the_others() -> None:
    shelf = Shelf()
    shelf.gate.set()
    reads = SharedReads(shelf.read_one)
    with pytest.raises(KeyError):
        await reads.get("nowhere")
    found = await asyncio.gather(reads.get("a"), reads.get("a"), reads.get("b"))
    assert list(found) == [1, 1, 2]
    assert shelf.asked == [["nowhere"], ["a"], ["b"]]
