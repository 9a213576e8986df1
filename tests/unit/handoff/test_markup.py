from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.handoff import image_slots, markup, table_lines
from hubspot_hitl.handoff.image_slots import ImagePiece
from hubspot_hitl.handoff.markup import (
    TextPiece,
    html_to_pieces,
    markdown_to_html,
    sanitised,
)

FRAGMENTS = [
    *("<b>", "</b>", "<p>", "<li>", "</ul>", "<table>", "<script>", "</script>", "</a>"),
    *("&#0;", "&#xd800;", "&#xfdd0;0&#xfdd1;", "\ufdd0", "\ud800", "&lt;", "<", "x", "*", "`"),
    *("<img src='https://a.b/c.png'>", "<a href='javascript:x'>"),
]
HTML = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)


def test_bold_links_and_lists_become_markdown() -> None:
    html = '<p>Hi <b>you</b>, <a href="https://a.test/x">look</a></p><ul><li>1</li><li>2</li></ul>'
    assert html_to_pieces(html, "") == (
        TextPiece("Hi **you**, [look](https://a.test/x)\n\n- 1\n- 2", True),
    )


def test_inline_images_keep_their_place_among_the_words() -> None:
    html = '<p>one</p><img src="https://a.test/1.png" alt="First"><p>two <img src="https://a.test/2.png"></p>'
    assert html_to_pieces(html, "one two") == (
        TextPiece("one", False),
        ImagePiece("https://a.test/1.png", "First"),
        TextPiece("two", False),
        ImagePiece("https://a.test/2.png", None),
    )


IMG = '<img src="https://a.test/1.png">'


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (f"<p><b>x{IMG}y</b></p>", ["**x**", "1.png", "**y**"]),
        (f"<h2>{IMG}</h2><p><i>a</i></p>", ["1.png", "*a*"]),
        (f"<blockquote><p>a</p>{IMG}</blockquote>b", ["> a", "1.png", "b"]),
        (f'<a href="https://b.test">{IMG}</a>', ["1.png", "https://b.test"]),
        (f'<a href="https://a.test/1.png">{IMG}</a>', ["1.png"]),
        (f'<a href="https://b.test">{IMG} see</a>', ["1.png", "[see](https://b.test)"]),
        (f"<ol><li>oil {IMG}</li><li>turn</li></ol>", ["1. oil", "1.png", "2. turn"]),
        (
            f"<table><tr><td>{IMG}</td><td>Jo</td></tr></table>c",
            ["Jo", "1.png", "c"],
        ),
    ],
)
def test_an_image_tears_no_formatting_apart(html: str, shown: list[str]) -> None:
    pieces = html_to_pieces(html, "")
    assert [
        piece.text if isinstance(piece, TextPiece) else str(piece.url).rsplit("/", 1)[-1]
        for piece in pieces
    ] == shown


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            "<b>x</b><table><tr><td>a</td><td><p>b</p></td></tr><tr><td>c</td></tr></table>",
            "**x**\n\na | b\nc",
        ),
        ("<table><tr><td><b>Jo</b><br>Sales</td><td> </td></tr></table>", "**Jo**\nSales"),
        (
            "<table><tr><td>1</td><td><table><tr><td>2</td><td>3</td></tr></table></td></tr></table>",
            "1 | 2 | 3",
        ),
        ("<table><tr><th>a</th></tr><tr><td>b</td></tr></table>", "| a |\n| --- |\n| b |"),
    ],
)
def test_tables_without_headings_are_lines(html: str, shown: str) -> None:
    assert html_to_pieces(html, "") == (TextPiece(shown, True),)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p><b>Hello</b><br></p>", "**Hello**"),
        ("<p><b>Hello<br></b>you</p>", "**Hello**\nyou"),
        ("<p>x<i><b><br>a</b></i></p>", "x\n***a***"),
        ("<p><b>path</b> C:\\<br>next</p>", "**path** C:\\\nnext"),
        ("<pre>a \\\nb</pre>", "```\na \\\nb\n```"),
    ],
)
def test_line_breaks_stay_and_leave_no_signs(html: str, shown: str) -> None:
    assert html_to_pieces(html, "") == (TextPiece(shown, True),)


def test_words_without_formatting_stay_free_of_escapes() -> None:
    assert html_to_pieces("<div>snake_case</div>", "snake_case") == (
        TextPiece("snake_case", False),
    )


@given(
    st.lists(
        st.sampled_from(["<p>", "</p>", "<div>", "</div>", "<br>", "<br/>", "<br />"]) | st.text()
    ),
    st.text(),
)
def test_paragraphs_alone_read_the_same_as_what_is_parsed(parts: list[str], plain: str) -> None:
    html = "".join(parts)
    assert html_to_pieces(html, plain) == html_to_pieces(f"{html}<span></span>", plain)


def test_a_link_that_shows_its_own_address_is_just_the_address() -> None:
    pieces = html_to_pieces('<a href="https://a.test/x">https://a.test/x</a>', "")
    assert pieces == (TextPiece("https://a.test/x", True),)


def test_words_that_look_like_html_stay_words() -> None:
    (piece,) = html_to_pieces("<b>x</b> &lt;script&gt;", "")
    assert piece == TextPiece(r"**x** \<script>", True)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>a</a>",
        "<svg onload=alert(1)>",
        "<iframe src='https://a.test'></iframe>",
        "<p style='x:y' onclick=z>t</p>",
    ],
)
def test_nothing_that_runs_survives(html: str) -> None:
    safe = sanitised(html)
    assert not any(word in safe for word in ("alert", "onclick", "onload", "iframe", "style"))


def test_a_picture_inside_the_page_is_told_not_lost() -> None:
    html = '<p>a</p><img src="data:image/png;base64,AAAA" alt="Chart">'
    assert ImagePiece(None, "Chart") in html_to_pieces(html, "a")


@pytest.mark.parametrize("bomb", ["<div>" * 20_000, "<div></b>" * 9_000, "<b>" * 200_000])
def test_a_bomb_of_nested_elements_is_reduced_to_its_words(bomb: str) -> None:
    assert html_to_pieces("word" + bomb, "") == (TextPiece("word", False),)


def test_markdown_for_the_agent_is_html_without_raw_html() -> None:
    assert markdown_to_html("**a** <img src=x>") == "<p><strong>a</strong> &lt;img src=x&gt;</p>"


@given(HTML)
def test_any_html_gives_pieces(html: str) -> None:
    for piece in html_to_pieces(html, ""):
        if isinstance(piece, TextPiece):
            assert piece.text.strip()
            piece.text.encode()
            assert "\ufdd0" not in piece.text


@given(st.text(st.sampled_from("*_[]()!`#>-|~<a \n\\\ud800\x00")))
def test_any_markdown_gives_safe_html_or_none(source: str) -> None:
    html = markdown_to_html(source)
    assert html is None or sanitised(html).strip() == html


def test_the_modules_examples_are_true() -> None:
    assert doctest.testmod(markup).failed == 0
    assert doctest.testmod(image_slots).failed == 0
    assert doctest.testmod(table_lines).failed == 0
