"""Images taken out of HTML and out of the formatting around them, each leaving a slot. Pure.

The user gets an image as a message of its own between the words. So no bold, link, heading, quote
or table may reach across its place: its signs would be torn apart.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hubspot_hitl.handoff.plain_text import is_web_address, one_line

SLOT = re.compile("\ufdd0([0-9]+)\ufdd1")
"""The place of an image; the noncharacters never come from outside, see `plain_text.clean`."""

_TOKEN = re.compile(r"<(/?)([a-z][a-z0-9]*)((?:\s+[a-z]+=\"[^\"]*\")*)\s*/?>|[^<]+|<")
_ATTRIBUTE = re.compile(r"([a-z]+)=\"([^\"]*)\"")
_VOID = frozenset({"br", "hr", "img"})
_ACROSS = frozenset(
    "a b blockquote code del em h1 h2 h3 h4 h5 h6 i s span strong sub sup u".split()  # noqa: SIM905
)
_LINK = re.compile(r"(\ufdd1?)<a((?:\s+[a-z]+=\"[^\"]*\")*)>(.*?)</a>", re.DOTALL)
_EMPTY = re.compile(r"<(b|blockquote|code|del|em|h[1-6]|i|s|span|strong|sub|sup|u)>\s*</\1>")


@dataclass(frozen=True, slots=True)
class ImagePiece:
    """An inline image. `url` is None when its address is not one that a browser may open."""

    url: str | None
    title: str | None


@dataclass(slots=True)
class _Walk:
    open: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    waiting: list[str] = field(default_factory=list[str])
    images: list[ImagePiece] = field(default_factory=list[ImagePiece])


def with_slots(safe: str) -> tuple[str, list[ImagePiece]]:
    r"""The HTML with slots for its images, which stand outside of what formats them.

    An image within a table comes behind it. `safe` is sanitised: well-formed, lower case,
    attributes in double quotes.

    >>> with_slots('<b>x<img src="https://a.test/1.png">y</b>')[0]
    '<b>x</b>\ufdd00\ufdd1<b>y</b>'
    """
    walk = _Walk()
    out = "".join(part for token in _TOKEN.finditer(safe) for part in _step(walk, token))
    return _tidied(out, walk.images) if walk.images else out, walk.images


def _step(walk: _Walk, token: re.Match[str]) -> Iterator[str]:
    closing, tag, attributes = token[1], token[2], token[3]
    if tag == "img":
        walk.images.append(_image(attributes))
        slot = f"\ufdd0{len(walk.images) - 1}\ufdd1"
        if any(name == "table" for name, _ in walk.open):
            walk.waiting.append(slot)
        else:
            yield from _apart(walk, slot)
        return
    yield token[0]
    if tag is None or tag in _VOID:
        return
    if not closing:
        walk.open.append((tag, token[0]))
    elif walk.open and walk.open[-1][0] == tag:
        walk.open.pop()
        if tag == "table" and all(name != "table" for name, _ in walk.open):
            slots, walk.waiting = "".join(walk.waiting), []
            yield from _apart(walk, slots)


def _apart(walk: _Walk, slots: str) -> Iterator[str]:
    """The slots, with all that formats them closed before and opened again behind."""
    at = next((n for n, (tag, _) in enumerate(walk.open) if tag in _ACROSS), len(walk.open))
    torn = walk.open[at:] if slots else []
    yield from (f"</{tag}>" for tag, _ in reversed(torn))
    yield slots
    yield from (start for _, start in torn)


def _image(attributes: str) -> ImagePiece:
    found = _fields(attributes)
    url = found.get("src", "")
    return ImagePiece(url if is_web_address(url) else None, one_line(found.get("alt")) or None)


def _tidied(markup: str, images: list[ImagePiece]) -> str:
    """Without what is empty now; a link of an image alone becomes its address behind the image."""
    before = ""
    while before != markup:
        before, markup = markup, _EMPTY.sub("", markup)
    told = {image.url for image in images}
    told |= {_fields(link[2]).get("href") for link in _LINK.finditer(markup) if link[3].strip()}

    def link(found: re.Match[str]) -> str:
        address = _fields(found[2]).get("href", "")
        if found[3].strip():
            return found[0]
        if not found[1] or not address or address in told:
            return found[1]
        told.add(address)
        return f"{found[1]}<a{found[2]}>{html.escape(address)}</a>"

    return _LINK.sub(link, markup)


def _fields(attributes: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
