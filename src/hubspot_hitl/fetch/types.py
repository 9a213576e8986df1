"""What a file is, by its first bytes. Pure; the host's word only refines what they allow.

Signatures: https://www.garykessler.net/library/file_sigs.html and
https://mimesniff.spec.whatwg.org/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from hubspot_hitl.errors import FileProblem

HEAD_BYTES = 4_096
UNKNOWN = "application/octet-stream"
REFUSED: Mapping[str, tuple[str, FileProblem]] = MappingProxyType(
    {
        "text/html": ("its address gives a web page instead of a file", FileProblem.WEB_PAGE),
        "application/x-executable": ("it is a program", FileProblem.PROGRAM),
    }
)
"""Types that are not passed on, and why."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"MZ", "application/x-executable"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/x-executable"),
)
_FTYP: Mapping[bytes, str] = MappingProxyType(
    {
        b"avif": "image/avif",
        b"avis": "image/avif",
        b"heic": "image/heic",
        b"heix": "image/heic",
        b"mif1": "image/heif",
        b"M4A ": "audio/mp4",
        b"M4B ": "audio/mp4",
        b"qt  ": "video/quicktime",
        b"3gp4": "video/3gpp",
        b"3gp5": "video/3gpp",
    }
)
_OFFICE: tuple[tuple[bytes, str], ...] = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
)
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "png",
        "image/jpeg": "jpg",
        "image/gif": "gif",
        "image/webp": "webp",
        "image/bmp": "bmp",
        "image/tiff": "tiff",
        "image/svg+xml": "svg",
        "image/avif": "avif",
        "image/heic": "heic",
        "application/pdf": "pdf",
        "application/zip": "zip",
        "application/gzip": "gz",
        "application/json": "json",
        "application/rtf": "rtf",
        "audio/mpeg": "mp3",
        "audio/mp4": "m4a",
        "audio/ogg": "ogg",
        "audio/wav": "wav",
        "audio/flac": "flac",
        "audio/amr": "amr",
        "audio/aac": "aac",
        "audio/webm": "weba",
        "video/mp4": "mp4",
        "video/webm": "webm",
        "video/quicktime": "mov",
        "video/mpeg": "mpg",
        "video/x-msvideo": "avi",
        "video/3gpp": "3gp",
        "text/plain": "txt",
        "text/csv": "csv",
        _OFFICE[0][1]: "docx",
        _OFFICE[1][1]: "xlsx",
        _OFFICE[2][1]: "pptx",
        _OFFICE[3][1]: "odt",
    }
)
"""The usual ending of a name, by type."""
_SAME: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "image/jpeg": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
        "image/tiff": frozenset({"tif", "tiff"}),
        "audio/ogg": frozenset({"ogg", "oga", "opus"}),
        "audio/mp4": frozenset({"m4a", "m4b", "mp4"}),
        "video/mp4": frozenset({"mp4", "m4v"}),
        "video/mpeg": frozenset({"mpg", "mpeg"}),
        "video/ogg": frozenset({"ogv", "ogg"}),
    }
)
_MEDIA = frozenset(EXTENSIONS.values()) | {"jpeg", "oga", "opus", "m4v", "mpeg", "html", "exe"}
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|iframe|title|h1)[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def type_of(head: bytes, declared: str = "") -> str:
    r"""The media type of a file that begins with `head` (the first 4 KiB are enough).

    `declared` (a Content-Type) chooses among types with the same signature, and among texts.

    >>> type_of(b"\x89PNG\r\n\x1a\n....", "text/plain")
    'image/png'
    >>> type_of(b"<!DOCTYPE html><title>Sign in</title>", "image/png")
    'text/html'
    """
    said = declared.partition(";")[0].strip().lower()
    binary = _signed(head, said)
    if binary is not None:
        return binary
    if _CONTROL.search(head):
        return UNKNOWN
    if _HTML.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "text/html"
    if b"<svg" in head[:1_000].lower():
        return "image/svg+xml"
    return _text(head, said)


def _signed(head: bytes, said: str) -> str | None:
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "audio/mp4" if said == "audio/mp4" else "video/mp4")
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):
        return "audio/aac"
    for offset, magic, type_ in _SIGNATURES:
        if head.startswith(magic, offset):
            return _refined(type_, head, said)
    return None


def _refined(type_: str, head: bytes, said: str) -> str:
    match type_:
        case "application/zip":
            found = (office for mark, office in _OFFICE if mark in head)
            office = next(found, None)
            return office or (said if said.startswith("application/vnd.") else type_)
        case "application/x-ole-storage":
            return said if said.startswith("application/") else type_
        case "audio/ogg" if b"theora" in head[:100] or said == "video/ogg":
            return "video/ogg"
        case "video/webm":
            return said if said in {"audio/webm", "video/x-matroska"} else type_
        case _:
            return type_


def _text(head: bytes, said: str) -> str:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end in the middle of a character.
        if len(head) - error.start > 3:
            return said if said.startswith("text/") and said != "text/html" else UNKNOWN
    if said.startswith("text/") and said != "text/html":
        return said
    if said in {"application/json", "application/xml", "application/x-ndjson"}:
        return said
    return "text/plain"


def named_by_type(name: str, type_: str) -> str:
    """The name with an ending that fits the type: a lying one is replaced, a missing one added.

    >>> named_by_type("cat.png", "image/jpeg"), named_by_type("report", "application/pdf")
    ('cat.jpg', 'report.pdf')
    """
    wanted = EXTENSIONS.get(type_)
    if wanted is None:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem:
        return f"{name}.{wanted}"
    has = ending.lower()
    if has == wanted or has in _SAME.get(type_, frozenset()):
        return name
    if type_.startswith("text/") or has not in _MEDIA:
        return name if type_.startswith("text/") else f"{name}.{wanted}"
    return f"{stem}.{wanted}"
