"""Logs for machines and people: one line an event, to stderr, without addresses in the clear and without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

from bot.masking import masked

_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SECRET = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=token=)[\w-]+", re.IGNORECASE)

# One of these is in whatever that pattern matches.
_SECRET_SIGNS = ("xox", "xapp-", "token=")
_JSON = json.JSONEncoder(ensure_ascii=False, default=repr)


def set_up_logs(level: Literal["debug", "info", "warning", "error"], form: Literal["json", "text"]) -> None:
    """Send every log line of ours and of the libraries to stderr, in one form."""
    renderer: Any = _as_json if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    # It logs the whole SASL exchange of each login at this level.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # They tell each line that broke when the database goes away, with its trace; we say once that it is away.
    for library in ("sqlalchemy.pool", "psycopg"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    # It warns at every start that the token in SLACK_BOT_TOKEN is not the one it uses, which is as it should be.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return "`token` will be unused" not in record.getMessage()


def _as_json(logger: WrappedLogger, name: str, event: EventDict) -> str:
    return _JSON.encode(event)


def mask(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Mask addresses and tokens in every value, however deep (R-DA-5)."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        if "@" in value:
            value = _ADDRESS.sub(lambda found: masked(found[0]), value)
        small = value.lower()
        return _SECRET.sub("***", value) if any(sign in small for sign in _SECRET_SIGNS) else value
    if isinstance(value, Mapping):
        return {key: _masked(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(one) for one in value]
    return value


class _Forward(logging.Handler):
    """Libraries' log records, told in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        tell = log.error if record.levelno >= logging.ERROR else log.warning
        trace = self.format(record) if record.exc_info else None
        tell("library", logger=record.name, message=record.getMessage(), **({"exception": trace} if trace else {}))
