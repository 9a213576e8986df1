from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from hubspot_hitl.logs import configure_logging, configure_logging_from
from hubspot_hitl.redaction import KnownSecrets, forget_secrets, redact_text, remember_secret
from hubspot_hitl.settings import from_environment

SECRETS = st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=12)


def _logging(**options: object) -> io.StringIO:
    out = io.StringIO()
    configure_logging(format_="json", stream=out, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return out


def test_a_line_is_json_with_time_level_logger_and_context_first() -> None:
    out = _logging()
    structlog.contextvars.bind_contextvars(handoff_id="h-1")

    structlog.get_logger("hubspot_hitl.ledger").info("delivery_done", seq=7)

    line = json.loads(out.getvalue())
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"], line["seq"]) == ("info", "delivery_done", 7)
    assert (line["logger"], line["handoff_id"]) == ("hubspot_hitl.ledger", "h-1")
    assert len(line["timestamp"]) == len("2026-11-21T04:10:02.123Z")


def test_standard_logging_comes_out_of_the_same_pipe() -> None:
    out = _logging()

    logging.getLogger("aiohttp.server").error("failed: %s", "Bearer abc.def")

    line = json.loads(out.getvalue())
    assert (line["logger"], line["event"]) == ("aiohttp.server", "failed: Bearer [redacted]")


def test_access_lines_and_statements_of_drivers_stay_out() -> None:
    out = _logging(level="debug")

    logging.getLogger("aiohttp.access").info("GET / 200")
    logging.getLogger("aiosqlite").debug("executing INSERT ('hello')")
    logging.getLogger("sqlalchemy.engine.Engine").info("INSERT ('hello')")

    assert out.getvalue() == ""


def test_lines_below_the_level_are_not_written() -> None:
    out = _logging(level="warning")

    structlog.get_logger("x").info("quiet")

    assert out.getvalue() == ""


@pytest.mark.parametrize(
    "name", ["text", "refreshToken", "client_secret", "Authorization", "hapikey", "code", "body"]
)
def test_a_field_with_a_telling_name_is_masked_at_any_depth(name: str) -> None:
    out = _logging()

    structlog.get_logger("x").info("called", **{name: "marked"}, inside=[{name: "marked"}])

    assert "marked" not in out.getvalue()


def test_an_exception_is_redacted_with_its_causes() -> None:
    class Body(BaseModel):
        number: int

    out = _logging()
    secret = "-".join(["very", "marked"])  # a traceback shows the source, so no literal in it
    try:
        try:
            Body.model_validate({"number": f"{secret}-message-text"})
        except ValueError as error:
            raise RuntimeError(f"GET https://api.hubapi.com/a?hapikey={secret}") from error
    except RuntimeError:
        structlog.get_logger("x").exception("failed")

    line = json.loads(out.getvalue())
    assert "very-marked" not in out.getvalue()
    assert "RuntimeError: GET https://api.hubapi.com/a?[redacted]" in line["exception"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pat-na1-0f0f0f0f-1111-2222-3333-444455556666", "[redacted]"),
        ("bp_pat_abcdefghijkl", "[redacted]"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "[redacted]"),
        ("access_token=abc&x=1", "access_token=[redacted]&x=1"),
        ('{"refresh_token": "abc"}', '{"refresh_token": "[redacted]"}'),
        ("postgresql://hitl:pw@db/x", "postgresql://hitl:[redacted]@db/x"),
        ("no agent for ann.lee@example.co.uk", "no agent for [email]"),
        ("GET /cb?code=abc&state=d 200", "GET /cb?code=[redacted]&state=[redacted] 200"),
        ("https://a.example/b#access=1", "https://a.example/b?[redacted]"),
        ("handoff h-1: state=pending code=400", "handoff h-1: state=pending code=400"),
    ],
)
def test_secrets_are_known_by_their_shape(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@given(secret=SECRETS, before=st.text(), after=st.text(), as_json=st.booleans())
def test_no_remembered_secret_appears_in_a_line(
    secret: str, before: str, after: str, as_json: bool
) -> None:
    forget_secrets()
    remember_secret(secret)
    out = io.StringIO()
    configure_logging(format_="json" if as_json else "console", stream=out)
    told = f"{before}{secret}{after}"

    structlog.get_logger("x").warning(
        told, thread_id=told, many=[told, {told: 1}], raw=told.encode()
    )
    logging.getLogger("y").error("%s and %r", told, told)

    line, known = out.getvalue(), secret.strip()
    assert len(known) < 8 or known not in line
    assert len(known) < 8 or json.dumps(known)[1:-1] not in line


def test_every_secret_of_the_settings_is_masked() -> None:
    out = io.StringIO()
    settings = from_environment(
        {
            "HITL_BOTPRESS_SIGNING_SECRETS": "marked-one,marked-two",
            "HITL_CONSOLE_TOKEN": "marked-three",
            "HITL_DATABASE_URL": "postgresql://u:marked-four@h/d",
            "HITL_LOG_FORMAT": "json",
        },
        env_file=None,
    )
    configure_logging_from(settings, stream=out)

    structlog.get_logger("x").info("a marked-one b marked-two c marked-three d marked-four")

    assert "marked" not in out.getvalue()


def test_the_memory_of_secrets_is_bounded_and_forgets_the_oldest() -> None:
    known = KnownSecrets(limit=2)

    for value in ("secret-one", "secret-two", "secret-one", "secret-three"):
        known.remember(value)

    assert known.mask("secret-one secret-two secret-three") == "[redacted] secret-two [redacted]"


def test_the_longer_of_two_secrets_wins() -> None:
    known = KnownSecrets()
    known.remember("password")
    known.remember("password-and-more")

    assert known.mask("x password-and-more") == "x [redacted]"


def test_a_line_break_in_a_value_makes_no_second_line() -> None:
    out = _logging()

    structlog.get_logger("x").info("a\nb\x1b[31m", reason="c\r\nd")

    assert out.getvalue().count("\n") == 1


def test_a_closed_stream_does_not_stop_the_caller() -> None:
    out = _logging()
    out.close()

    structlog.get_logger("x").info("nobody_reads_this")
    logging.getLogger("y").error("nor this")


def test_a_very_long_text_is_cut_and_no_part_of_a_secret_stays() -> None:
    remember_secret("known-secret-that-lies-over-the-cut")
    text = "x " * 15_990 + "known-secret-that-lies-over-the-cut" + " y" * 20_000
    assert len(redact_text(text)) < 33_000
    assert "known-secret" not in redact_text(text)
    assert "Bearer" not in redact_text("z" * 31_990 + " Bearerabcdefghijklmnop" + "z" * 10_000)
    assert redact_text("A" * 40_000) == " [40000 characters in all]"
