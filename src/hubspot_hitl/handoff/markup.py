"""Markdown to safe HTML for the agent, HTML to safe Markdown for the user. Pure.

Both ways pass through nh3, so no script, style, event handler or odd address survives; both are
bounded, and what is too big or too deep stays plain text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from types import MappingProxyType
from typing import TYPE_CHECKING

import nh3

from hubspot_hitl.handoff.image_slots import SLOT, ImagePiece, with_slots
from hubspot_hitl.handoff.plain_text import clean
from hubspot_hitl.handoff.table_lines import tables_as_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST_MARKUP = 100_000
"""Code points of HTML or Markdown that are still converted; longer input stays plain text."""
DEEPEST_MARKUP = 60
"""Nested elements that are still converted: markdownify recurses."""

_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# fmt: off
_TAGS = frozenset({
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
})
# fmt: on
_ATTRIBUTES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"a": frozenset({"href"}), "img": frozenset({"src", "alt"}), "ol": frozenset({"start"})}
)
_WITH_CONTENT = frozenset({"script", "style", "title", "head", "template", "noscript", "iframe"})
_FORMATTING = re.compile(
    r"<(?:a|b|blockquote|code|del|em|h[1-6]|hr|i|li|ol|pre|s|strong|table|ul)[\s>]", re.IGNORECASE
)
# paragraphs and line breaks alone: HubSpot's plain form of it says the same
_PLAIN_MARKUP = re.compile(r"(?:[^<&]++|</?(?:p|div)>|<br ?/?>)*+")
_BLOCKS = frozenset(
    {"p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "blockquote", "pre"}
)
# editors leave line breaks within bold words; markdownify would drop them and glue what follows
_INLINE = r"(?:a|b|code|del|em|i|s|span|strong|sub|sup|u)"
_BREAKS_AT_END = re.compile(rf"((?:<br>\s*+)++)((?:</{_INLINE}>)++)")
_BREAKS_AT_START = re.compile(rf"((?:<{_INLINE}(?:\s[^<>]*+)?>)++)((?:<br>\s*+)++)")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_HTML_LIKE = re.compile(r"<(?=[a-zA-Z/!?])|&(?=#?\w{1,32};)")


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Text between images; `markdown` says whether it has formatting or is plain."""

    text: str
    markdown: bool


def sanitised(markup: str) -> str:
    """The HTML without anything that could run, track by style, or point to odd schemes.

    >>> sanitised('<p onclick="x()">Hi <script>alert(1)</script><a href="javascript:x">you</a></p>')
    '<p>Hi <a rel="noopener noreferrer">you</a></p>'
    """
    safe = nh3.clean(
        clean(markup),
        tags=set(_TAGS),
        clean_content_tags=set(_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes=set(_SCHEMES),
    )
    return clean(safe)  # character references can bring back what the first pass removed


def escaped(text: str) -> str:
    """Plain text as HTML with the same line breaks."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def markdown_to_html(source: str) -> str | None:
    """Sanitised HTML of the Markdown, or None when it has no formatting or is too long.

    >>> markdown_to_html("**Hi** <b>")
    '<p><strong>Hi</strong> &lt;b&gt;</p>'
    >>> markdown_to_html("just words") is None
    True
    """
    if len(source) > LONGEST_MARKUP:
        return None
    markup = sanitised(_markdown().render(clean(source))).strip()
    return markup if _FORMATTING.search(markup) or "<img" in markup else None


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # slow to import; most messages are plain

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable(["strikethrough", "table"])


def html_to_pieces(markup: str, plain: str) -> tuple[TextPiece | ImagePiece, ...]:
    """The HTML as Markdown texts and images, in reading order.

    Without formatting the text stays `plain`, HubSpot's own plain form, free of Markdown escapes.
    HTML that is too long or too deep is reduced to its words.
    """
    markup = clean(markup)
    if (words := clean(plain).strip()) and _PLAIN_MARKUP.fullmatch(markup):
        return _plain_piece(words)  # what most agents write needs no parser
    gauge = _Gauge()
    gauge.feed(markup[:LONGEST_MARKUP])
    if len(markup) > LONGEST_MARKUP or gauge.deepest > DEEPEST_MARKUP:
        return _plain_piece(clean(plain).strip() or clean("".join(gauge.words)))
    safe = sanitised(markup)
    formatted = _FORMATTING.search(safe) is not None
    if "<img" not in safe and not formatted:
        return _plain_piece(clean(plain).strip() or _words(safe))
    slotted, images = with_slots(safe)
    text = _to_markdown(slotted) if formatted else _words(slotted)
    return tuple(_woven(text, images, formatted))


def _woven(text: str, images: list[ImagePiece], formatted: bool) -> list[TextPiece | ImagePiece]:
    pieces: list[TextPiece | ImagePiece] = []
    for index, part in enumerate(SLOT.split(text)):
        if index % 2:
            pieces.append(images[int(part)])
        elif part.strip():
            pieces.append(TextPiece(part.strip(), formatted))
    return pieces


def _plain_piece(text: str) -> tuple[TextPiece, ...]:
    return (TextPiece(text.strip(), False),) if text.strip() else ()


def _to_markdown(safe: str) -> str:
    from markdownify import markdownify  # slow to import; most messages are plain

    safe = tables_as_lines(safe)
    safe = _BREAKS_AT_START.sub(r"\2\1", _BREAKS_AT_END.sub(r"\2\1", safe))
    text = markdownify(
        safe, heading_style="ATX", autolinks=False, bullets="-", newline_style="spaces"
    )
    text = re.sub(r"\[(https?://[^\]\s]+)\]\(\1\)", r"\1", text)
    parts = _CODE.split(text.replace("\u00a0", " "))
    # words that look like HTML stay words for a reader that lets HTML through its Markdown
    parts[::2] = [_HTML_LIKE.sub(r"\\\g<0>", part) for part in parts[::2]]
    text = re.sub(r"[ \t]+\n", "\n", "".join(parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _words(markup: str) -> str:
    gauge = _Gauge()
    gauge.feed(markup)
    gauge.close()
    text = "".join(gauge.words).replace("\u00a0", " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Gauge(HTMLParser):
    """Measures how deep elements nest and keeps the words.

    End tags without a start do not count: a browser ignores them, so they must not hide depth.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.deepest = 0
        self._open: dict[str, int] = {}
        self._depth = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.words.append("\n")
        elif tag not in {"img", "hr", "input", "meta", "link"}:
            self._open[tag] = self._open.get(tag, 0) + 1
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
            self._hidden += tag in _WITH_CONTENT

    def handle_endtag(self, tag: str) -> None:
        if not self._open.get(tag):
            return
        self._open[tag] -= 1
        self._depth -= 1
        self._hidden -= tag in _WITH_CONTENT
        if tag in _BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
