"""A digest from top to bottom in words, before it is laid out as text or HTML: title, period, figures, footnotes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.digest_tables import Edition, Line, Table, attention, definitions, headline, proofs, tables
from rules.policy import Policy
from rules.wording import Texts, moment

CARDS = ("opened", "resolved", "backlog", "first_response", "csat", "overdue")
"""The figures that stand large at the top, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that a digest says. ``notes`` are lines about the whole; ``columns`` head the lines of figures."""

    language: str
    desk: str
    title: str
    subject: str
    covers: str
    notes: tuple[str, ...]
    attention_title: str
    attention: tuple[str, ...]
    nothing: str
    proofs_title: str
    proofs: tuple[str, ...]
    lines_title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    tables: tuple[Table, ...]
    definitions_title: str
    definitions: tuple[tuple[str, str], ...]
    colon: str

    @property
    def cards(self) -> tuple[Line, ...]:
        """The few figures that stand large at the top."""
        return tuple(line for key in CARDS for line in self.lines if line.key == key)


def compose(edition: Edition, texts: Texts, policy: Policy) -> Page:
    """The page of one edition in one language. It says which period it covers and when it was counted (R-RE-5)."""
    columns = (texts.say(f"digest_column_{name}") for name in ("figure", "value", "before", "change"))
    return Page(
        language=texts.language,
        desk=policy.desk_name,
        title=title(edition, texts),
        subject=subject(edition, texts, policy),
        covers=_covers(edition, texts),
        notes=notes(edition, texts),
        attention_title=texts.say("digest_section_attention"),
        attention=attention(edition, texts),
        nothing=texts.say("digest_attention_nothing"),
        proofs_title=texts.say("digest_section_proofs"),
        proofs=proofs(edition, texts),
        lines_title=texts.say("digest_section_figures"),
        columns=tuple(columns),
        lines=headline(edition, texts),
        tables=tables(edition, texts, policy),
        definitions_title=texts.say("digest_section_definitions"),
        definitions=definitions(texts),
        colon=texts.say("digest_colon"),
    )


def title(edition: Edition, texts: Texts) -> str:
    """What the digest is called: ``Weekly digest 2026-W12``."""
    period = edition.figures.period
    return f"{texts.say(f'digest_name_{period.kind}')} {period.label}"


def subject(edition: Edition, texts: Texts, policy: Policy) -> str:
    """The subject of the mail, with the period and the three counts that are asked for first."""
    found = edition.figures
    return texts.say(
        "digest_subject",
        desk=policy.desk_name,
        name=texts.say(f"digest_name_{found.period.kind}"),
        label=found.period.label,
        opened=found.volume.opened,
        resolved=found.volume.resolved,
        backlog=found.backlog.total,
    )


def notes(edition: Edition, texts: Texts) -> tuple[str, ...]:
    """What must be known to read the figures: missed periods, one not over yet, what they are compared with."""
    found, said = edition.figures, []
    if edition.missed:
        said.append(texts.say("digest_missed", labels=missed_labels(edition)))
    if found.at < found.period.ends_at:
        said.append(texts.say("digest_unfinished"))
    if not any((found.volume.opened, found.volume.closed, found.escalation.of, found.first_response.n)):
        said.append(texts.say("digest_quiet"))
    if edition.previous:
        said.append(texts.say("digest_compared", label=edition.previous.period.label))
    else:
        said.append(texts.say("digest_not_compared"))
    said.append(texts.say("digest_counted", at=moment(texts, found.at, edition.zone)))
    return tuple(said)


def missed_labels(edition: Edition) -> str:
    """The periods without a digest of their own: all of them while they are few, else the first and the last."""
    labels = [period.label for period in edition.missed]
    return ", ".join(labels) if len(labels) <= 3 else f"{labels[0]} … {labels[-1]}"


def _covers(edition: Edition, texts: Texts) -> str:
    period = edition.figures.period
    start, end = (_local(at, edition.zone) for at in (period.starts_at, period.ends_at))
    return texts.say("digest_covers", label=period.label, start=start, end=end, zone=edition.zone)


def _local(at: datetime, zone: str) -> str:
    """A local time such as ``2026-03-02 00:00``, which is the same in every language."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(sep=" ", timespec="minutes")
