from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_hitl.fetch.names import LONGEST, file_name, sanitised
from hubspot_hitl.fetch.types import UNKNOWN, named_by_type, type_of


@pytest.mark.parametrize(
    ("head", "said", "type_"),
    [
        (b"\x89PNG\r\n\x1a\n", "text/html", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/png", "image/jpeg"),
        (b"%PDF-1.7", "", "application/pdf"),
        (b"\x00\x00\x00\x18ftypM4A ", "video/mp4", "audio/mp4"),
        (b"\x00\x00\x00\x18ftypisom", "", "video/mp4"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "", "audio/wav"),
        (b"MZ\x90\x00", "image/png", "application/x-executable"),
        (b"\n <!-- hi --> <HTML>", "image/png", "text/html"),
        (b"<script>x()</script>", "text/plain", "text/html"),
        (b"a,b\n1,2", "text/csv; charset=utf-8", "text/csv"),
        (b"plain words", "application/pdf", "text/plain"),
        (b"\x00\x01\x02", "image/png", UNKNOWN),
        ("é".encode()[:1], "", "text/plain"),
    ],
)
def test_the_type_is_what_the_content_shows(head: bytes, said: str, type_: str) -> None:
    assert type_of(head, said) == type_


def test_an_office_document_is_told_from_an_archive() -> None:
    head = b"PK\x03\x04....[Content_Types].xml....word/document.xml"

    assert type_of(head, "application/zip").endswith("wordprocessingml.document")


@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_content_has_a_type(head: bytes, said: str) -> None:
    assert "/" in type_of(head, said)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=UTF-8''na%C3%AFve%20plan.pdf; filename=x.pdf", "naïve plan.pdf"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates.pdf", "£ rates.pdf"),
        ('attachment; filename="a;b.pdf"', "a;b.pdf"),
        ('inline; filename="C:\\\\temp\\\\bill.pdf"', "bill.pdf"),
        ('attachment; filename="../../../etc/passwd"', "passwd"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx.pdf", "x.pdf"),
        ("attachment; filename*=UTF-8''%E2%80%AEfdp.exe", "fdp.exe"),
        ("attachment", "here.bin"),
        (None, "here.bin"),
    ],
)
def test_the_name_comes_from_the_disposition_and_is_safe(header: str | None, name: str) -> None:
    assert file_name(header, "https://example.com/here.bin") == name


@given(st.text(max_size=400))
def test_no_name_is_a_path_or_hides_characters(name: str) -> None:
    safe = sanitised(name)

    assert not set(safe) & set('/\\<>:"|?*\x00\r\n\u202e')
    assert len(safe) <= LONGEST
    assert not safe.startswith(".")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_header_gives_some_name(header: str, url: str) -> None:
    assert file_name(header, url)


@pytest.mark.parametrize(
    ("name", "type_", "told"),
    [
        ("cat.png", "image/jpeg", "cat.jpg"),
        ("cat.jpeg", "image/jpeg", "cat.jpeg"),
        ("photo", "image/webp", "photo.webp"),
        ("Mr. Smith", "application/pdf", "Mr. Smith.pdf"),
        ("notes.md", "text/plain", "notes.md"),
        ("thing.xyz", "application/octet-stream", "thing.xyz"),
    ],
)
def test_a_lying_ending_is_put_right(name: str, type_: str, told: str) -> None:
    assert named_by_type(name, type_) == told
