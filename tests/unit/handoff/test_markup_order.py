"""HTML to Markdown and back to text: every word arrives, in its order, images in their place."""

from __future__ import annotations

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hubspot_hitl.handoff.image_slots import ImagePiece
from hubspot_hitl.handoff.markup import TextPiece, html_to_pieces, markdown_to_html

WORDS = st.lists(st.from_regex(r"[a-z]{1,6}[0-9]{1,2}", fullmatch=True), min_size=1, max_size=4)
INLINE = ("b", "i", "em", "strong", "u", "span", "code", "del")
BLOCKS = ("p", "div", "h1", "h3", "blockquote", "pre")
TAG = re.compile(r"<[^>]*>")


def _inline(words: list[str], tag: str) -> str:
    return f"<{tag}>{' '.join(words)}</{tag}>"


def _list(items: list[list[str]], tag: str) -> str:
    return f"<{tag}>" + "".join(f"<li>{' '.join(one)}</li>" for one in items) + f"</{tag}>"


def _table(cells: list[list[str]]) -> str:
    rows = "".join(f"<tr><td>{' '.join(one)}</td><td>x1</td></tr>" for one in cells)
    return f"<table><tbody>{rows}</tbody></table>"


def _link(words: list[str]) -> str:
    return f'<a href="https://a.test/">{" ".join(words)}</a>'


def _block(line: str, tag: str) -> str:
    return f"<{tag}>{line}</{tag}>"


def _around_image(words: list[str], tag: str) -> str:
    image = '<img src="https://a.test/1.png" alt="pic">'
    return f"<{tag}>{words[0]}<br>{image}{' '.join(words[1:])}<br></{tag}>"


RUN = st.one_of(
    st.builds(_around_image, WORDS, st.sampled_from(INLINE)),
    WORDS.map(" ".join),
    st.builds(_inline, WORDS, st.sampled_from(INLINE)),
    WORDS.map(_link),
)
LINE = st.lists(RUN, min_size=1, max_size=4).map(" ".join)
BLOCK = st.one_of(
    st.builds(_block, LINE, st.sampled_from(BLOCKS)),
    st.builds(_list, st.lists(WORDS, min_size=1, max_size=3), st.sampled_from(["ul", "ol"])),
    st.builds(_table, st.lists(WORDS, min_size=1, max_size=3)),
    LINE.map(lambda line: f"{line}<br>"),
    st.integers(0, 99).map(lambda n: f'<img src="https://a.test/{n}.png" alt="pic">'),
)
DOCUMENT = st.lists(BLOCK, min_size=1, max_size=6)


def words_of(source: str) -> list[str]:
    return re.findall(r"[a-z]+[0-9]+", html.unescape(TAG.sub(" ", source)))


def shown(markdown: str) -> str:
    """What a reader of the Markdown reads."""
    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@settings(max_examples=40)
@given(DOCUMENT)
def test_every_word_of_rich_text_arrives_in_its_order(blocks: list[str]) -> None:
    pieces = html_to_pieces("".join(blocks), "")
    text = [
        shown(one.text) if one.markdown else one.text
        for one in pieces
        if isinstance(one, TextPiece)
    ]
    assert [word for part in text for word in words_of(part)] == words_of("".join(blocks))


@settings(max_examples=40)
@given(DOCUMENT)
def test_every_image_stands_between_the_words_it_stood_between(blocks: list[str]) -> None:
    seen: list[str] = []
    for one in html_to_pieces("".join(blocks), ""):
        if isinstance(one, ImagePiece):
            seen.append(str(one.url))
        else:
            seen += words_of(shown(one.text) if one.markdown else one.text)
    wanted: list[str] = []
    for block in blocks:
        told = re.finditer(r'<img src="([^"]+)"[^>]*>|<[^>]*>|([a-z]+[0-9]+)', block)
        wanted += [found for one in told if (found := one[1] or one[2])]
    assert seen == wanted


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=80))
def test_words_without_formatting_arrive_letter_by_letter(text: str) -> None:
    (piece, *rest) = html_to_pieces(f"<p>{html.escape(text)}</p>", text) or (None,)
    assert not rest
    got = "" if piece is None or isinstance(piece, ImagePiece) else piece.text
    assert "".join(got.split()) == "".join(text.replace("\u00a0", " ").split())


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_markdown_keeps_its_words_on_the_way_to_the_agent(lines: list[list[str]]) -> None:
    source = "\n\n".join(f"**{line[0]}** " + " ".join(line[1:]) for line in lines)
    assert words_of(markdown_to_html(source) or "") == words_of(source)
