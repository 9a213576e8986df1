"""Damages bytes the way strangers do: flips, cuts, doubles, edge numbers, deep nesting."""

from __future__ import annotations

from random import Random

_PIECES = (
    b"",
    b"\x00",
    b"\n",
    b"\r\n\r\n",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "\u202e\U0001f468\u200d\u0130\ufdd0".encode(),
    rb"\ud83d",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"9" * 25,
    b"9" * 5_000,
    b"NaN",
    b"[]",
    b"{}",
    b'""',
    b"[" * 2_000,
    b'{"a":' * 2_000,
    b"<script>",
    b"<p>" * 300,
    b"%00%0d%0a",
    b"../../etc/passwd",
    b"//evil.example",
    b"@evil.example",
    b"{{7*7}}",
    b"'\"`;--",
    b"A" * 1_000,
)


def mutated(random: Random, data: bytes) -> bytes:
    """`data` with one to six damages."""
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        data = _damaged(random, data)
    return data[:50_000]


def _damaged(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((0, 1, 1, 2, 4, 8, 32)))
    match random.randrange(6):
        case 0:  # replace by random bytes
            return data[:start] + random.randbytes(end - start) + data[end:]
        case 1:  # flip a bit
            if start == len(data):
                return data
            flipped = data[start] ^ (1 << random.randrange(8))
            return data[:start] + bytes([flipped]) + data[start + 1 :]
        case 2:  # cut out
            return data[:start] + data[end:]
        case 3:  # double
            return data[:end] + data[start:end] * random.choice((1, 2, 20)) + data[end:]
        case 4:  # cut off
            return data[:start]
        case _:  # put something nasty in
            return data[:start] + random.choice(_PIECES) + data[end:]
