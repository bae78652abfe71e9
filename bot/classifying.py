"""Runs the published rules over mails or records from a file, without a store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from channels.mail.inspect import read_messages
from channels.mail.language import detect
from channels.mail.parse import parse
from rules.classify import Classification, classify, facts
from rules.hours import is_open
from rules.model import Address, Message
from rules.policy import Policy

Line = dict[str, Any]


def classified(paths: tuple[str, ...], policy: Policy) -> Iterator[Line]:
    """A line for each mail or record. Raises ValueError, naming file and line, for a .jsonl that cannot be read."""
    for path in paths:
        if path.endswith(".jsonl"):
            yield from (_record(record, policy) for record in _records(Path(path)))
        else:
            for name, raw in read_messages((path,)):
                yield _mail(name, raw, policy)


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as problem:
                raise ValueError(f"{path}:{number}: not JSON: {problem}") from None
            if not isinstance(record, dict) or "id" not in record:
                raise ValueError(f"{path}:{number}: a record needs an id: {{id, at, from, subject, text}}")
            yield record


def _record(record: Mapping[str, Any], policy: Policy) -> Line:
    name, email = parseaddr(str(record.get("from", "")))
    text, subject = str(record.get("text", "")), str(record.get("subject", ""))
    message = Message(
        key=f"classify:{record['id']}",
        channel=f"mail:{policy.mailboxes[0].name}",
        sender=Address(email=email.lower(), name=name),
        subject=subject,
        text=text,
        reply_text=text,
        received_at=_moment(record.get("at")),
        language=detect(f"{subject}\n{text}"),
    )
    tier = (record.get("customer") or {}).get("tier", "")
    given = {"impact": str(record.get("impact") or ""), "urgency": str(record.get("urgency") or "")}
    return _line(record["id"], message, policy, tier=tier, **given)


def _moment(given: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(given))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _mail(name: str, raw: bytes, policy: Policy) -> Line:
    message = parse(raw, received_at=datetime.fromtimestamp(0, UTC), channel=f"mail:{policy.mailboxes[0].name}")
    if message.sent_at:
        message = replace(message, received_at=message.sent_at.astimezone(UTC))
    return _line(name, message, policy)


def _line(
    name: object, message: Message, policy: Policy, *, tier: str = "", impact: str = "", urgency: str = ""
) -> Line:
    on_file = policy.on_file(message.sender.email)
    if tier:
        on_file = replace(on_file, tier=tier)
    open_then = is_open(policy.calendars[policy.calendar], message.received_at)
    asked = facts(message, on_file, business_hours=open_then, impact=impact, urgency=urgency)
    return _told(name, classify(asked, policy, impact=impact, urgency=urgency), message.language)


def _told(name: object, found: Classification, language: str) -> Line:
    return {
        "id": name,
        "priority": found.priority,
        "impact": found.impact,
        "urgency": found.urgency,
        "category": found.category,
        "language": language,
        "confidence": found.confidence,
        "because": list(found.because),
    }
