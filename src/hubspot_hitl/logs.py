"""Logs: one line for each decision, as JSON or for a terminal, redacted whoever wrote it.

Call sites use `structlog.get_logger(__name__)`; libraries that use `logging` come out of the same
pipe. Lines go to standard error, so that a command's own output stays clean.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import Processor, WrappedLogger

from hubspot_hitl.redaction import forget_secrets, redact, redact_text, remember_secret
from hubspot_hitl.settings import Settings
from hubspot_hitl.settings.environment import secrets_of

__all__ = [
    "configure_logging",
    "configure_logging_from",
    "forget_secrets",
    "redact_text",
    "remember_secret",
]

# Fields that the processors write themselves, after whatever a call site gave under that name.
_OURS = frozenset({"timestamp", "level", "logger", "_record", "_from_structlog"})

LogFormat = Literal["auto", "json", "console"]

# Drivers repeat statements and their parameters, message texts among them, below this level.
_QUIET = ("sqlalchemy", "aiosqlite", "alembic", "asyncpg", "playwright", "charset_normalizer")


def configure_logging(
    *,
    format_: LogFormat = "auto",
    level: str = "info",
    access_log: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the whole process; a later call replaces an earlier one."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    as_json = format_ == "json" or (format_ == "auto" and not out.isatty())
    shared: tuple[Processor, ...] = (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_timestamp,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    )
    render: Processor = _render_json if as_json else _console(colors=out.isatty())
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *args: _Line(out, str(args[0]) if args else "hubspot_hitl"),
        cache_logger_on_first_use=False,  # module-level loggers must obey a later call
    )
    _route_stdlib(out, number, shared, render, access_log=access_log)


def configure_logging_from(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Set up logging as the settings say, and mask every secret in them."""
    for secret in secrets_of(settings):
        remember_secret(secret)
    configure_logging(
        format_=settings.log_format,
        level=settings.log_level,
        access_log=settings.access_log,
        stream=stream,
    )


def redact_event(
    _logger: WrappedLogger,
    _method: str,
    event: MutableMapping[str, Any],  # structlog's own type of an event
) -> MutableMapping[str, Any]:
    """Structlog processor, the last before rendering: masks names, shapes and known values."""
    clean: dict[str, Any] = {}
    for key, value in event.items():
        if key in _OURS:
            clean[key] = value
        else:
            clean[redact_text(key)] = redact(value, name=key)
    return clean


def _add_timestamp(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    event["timestamp"] = now.replace("+00:00", "Z")
    return event


def _render_json(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return orjson.dumps({**first, **event}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console(*, colors: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )


class _Line:
    """The end of the pipe: writes a rendered line to a stream."""

    def __init__(self, out: TextIO, name: str) -> None:
        self._out = out
        self.name = name

    def msg(self, message: str) -> None:
        try:
            self._out.write(message + "\n")
            self._out.flush()
        except (OSError, ValueError):
            # A full disk or a closed terminal must not stop a delivery, and there is nowhere left
            # to say so.
            return

    log = debug = info = warning = warn = error = err = critical = fatal = exception = msg


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, told apart from handlers that a test runner or a host application adds."""


def _without_strangers_bytes(record: logging.LogRecord) -> bool:
    """Turn the report of bytes that are no HTTP request, with its traceback, into one short line.

    Whoever can connect could fill the log with it, and the bytes may hold what somebody else sent.
    """
    error = record.exc_info[1] if record.exc_info else None
    # A UnicodeError of our own never comes so far: aiohttp repeats a header that is no text.
    not_text = isinstance(error, UnicodeError) and record.name == "aiohttp.server"
    if not_text or type(error).__module__ == "aiohttp.http_exceptions":
        record.msg, record.args = "not_http (%s)", (type(error).__name__,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def _route_stdlib(
    out: TextIO,
    number: int,
    shared: tuple[Processor, ...],
    render: Processor,
    *,
    access_log: bool,
) -> None:
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    logging.captureWarnings(capture=True)
    # logging's own failure report prints the raw arguments, around the redaction
    logging.raiseExceptions = False
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.getLogger("aiohttp.server").addFilter(_without_strangers_bytes)  # once, however often
    logging.getLogger("asyncio").setLevel(max(number, logging.INFO))
    logging.getLogger("aiohttp.access").setLevel(
        max(number, logging.INFO) if access_log else logging.WARNING
    )
