"""A digest as tables of words: the same rows for the mail's text, its HTML and the chat, so that they cannot differ.

The columns, labels and footnotes come from the texts whose keys begin with ``digest_`` (R-RE-1, complaint 81).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.digest import DEFINITIONS
from rules.figures import Figures, Rate, Times, Volume
from rules.model import Alarm, Proof, Target, Ticket
from rules.periods import Period
from rules.policy import Policy
from rules.reconciling import CLASSES
from rules.wording import Texts, moment, span

LISTED = 10
"""How many ticket numbers a line lists before it says how many more there are."""

SUBJECT_LENGTH = 60
"""How much of a subject a digest shows."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_JOINER = "\u200d"
# Control and formatting characters can turn or break the lines around them; the joiner only builds emoji.


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What one digest has to tell, for people in ``zone``.

    ``missed`` are periods that got no digest of their own (R-RE-5). ``quarantined`` and ``uncertain`` count what
    waits for a person. ``with_people`` shows figures by person, which only those entitled to them may get (R-RE-2).
    """

    figures: Figures
    zone: str
    previous: Figures | None = None
    missed: tuple[Period, ...] = ()
    quarantined: int = 0
    uncertain: int = 0
    proofs: tuple[Proof, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    with_people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure in words: its value, what stands behind it, and how it changed; empty where it cannot be compared.

    ``good`` says whether the change is one for the better; ``None`` when there is no change or it is neither.
    """

    key: str
    label: str
    value: str
    detail: str = ""
    population: str = ""
    before: str = ""
    change: str = ""
    good: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table; ``bar``, 0 to 1, is drawn beside it where bars can be drawn."""

    cells: tuple[str, ...]
    bar: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table. The first ``words`` columns hold words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    words: int = 1


def headline(edition: Edition, texts: Texts) -> tuple[Line, ...]:
    """The figures without a table of their own, in reading order, each with its population and its change."""
    # What is past its time now has no past: the earlier period is counted at the same moment.
    alone = replace(edition, previous=None)
    return (
        _count(texts, "opened", edition, lambda found: found.volume.opened),
        _count(texts, "resolved", edition, lambda found: found.volume.resolved, better=1),
        _count(texts, "closed", edition, lambda found: found.volume.closed),
        _count(texts, "junk", edition, lambda found: found.junk),
        _count(texts, "backlog", edition, lambda found: found.backlog.total, better=-1),
        _time(texts, "first_response", edition, lambda found: found.first_response),
        _time(texts, "resolution", edition, lambda found: found.resolution),
        _rate(texts, "fcr", edition, lambda found: found.fcr, better=1),
        _score(texts, edition),
        _rate(texts, "overdue", edition, lambda found: found.overdue),
        _rate(texts, "escalation", edition, lambda found: found.escalation),
        _rate(texts, "reopen", edition, lambda found: found.reopen),
        _rate(texts, "breached_now", alone, lambda found: found.breached_now),
    )


def attention(edition: Edition, texts: Texts) -> tuple[str, ...]:
    """What a manager should look at, a sentence each; empty when there is nothing."""
    found = edition.figures
    named = {"breached": found.breached_now.tickets, "overdue": found.overdue.tickets, "low": found.csat.low}
    counted = {
        "reopened": found.backlog.reopened,
        "quarantined": edition.quarantined,
        "uncertain": edition.uncertain,
    }
    lines = [
        texts.say(f"digest_attention_{name}", n=len(numbers), tickets=numbered(texts, numbers))
        for name, numbers in named.items()
        if numbers
    ]
    lines += [texts.say(f"digest_attention_{name}", n=n) for name, n in counted.items() if n]
    open_proofs = (proof for proof in edition.proofs if proof.unexplained)
    lines += [
        texts.say("digest_attention_unexplained", mailbox=proof.mailbox, n=len(proof.unexplained))
        for proof in open_proofs
    ]
    lines += [
        texts.say("digest_attention_alarm", at=moment(texts, alarm.raised_at, edition.zone), problem=alarm.problem)
        for alarm in edition.alarms
    ]
    return tuple(lines)


def proofs(edition: Edition, texts: Texts) -> tuple[str, ...]:
    """Each mailbox on a server against the ledger, as a sum: every mail is something, or is named (complaint 1)."""
    return tuple(_proof(proof, texts, edition.zone) for proof in edition.proofs)


def _proof(proof: Proof, texts: Texts, zone: str) -> str:
    at = moment(texts, proof.at, zone)
    if proof.problem:
        return texts.say("digest_proof_failed", mailbox=proof.mailbox, at=at, problem=proof.problem[:200])
    counted = ((name, proof.counts.get(name, 0)) for name in CLASSES)
    told = " + ".join(texts.say(f"proof_class_{name}", n=n) for name, n in counted if n) or "0"
    key = "digest_proof_open" if proof.unexplained else "digest_proof"
    gaps = {"unexplained": len(proof.unexplained)} if proof.unexplained else {}
    return texts.say(key, mailbox=proof.mailbox, n=proof.on_server, told=told, at=at, **gaps)


def tables(edition: Edition, texts: Texts, policy: Policy) -> tuple[Table, ...]:
    """All tables of a digest in reading order; one in which nothing was counted is left out."""
    found = edition.figures
    every = [
        _service_table(found, texts, policy, Target.FIRST_RESPONSE),
        _service_table(found, texts, policy, Target.RESOLUTION),
        _volume_table("priority", {priority(texts, policy, k): v for k, v in found.by_priority.items()}, texts),
        _volume_table("category", found.by_category, texts),
        _volume_table("mailbox", found.by_mailbox, texts),
        _backlog_table(found, texts),
        _oldest_table(found, texts, policy),
    ]
    if edition.with_people:
        every.append(_people_table(found, texts, policy))
    return tuple(table for table in every if table.rows)


def definitions(texts: Texts) -> tuple[tuple[str, str], ...]:
    """Each figure's name and what it means, for the footnotes."""
    return tuple((texts.say(f"digest_{figure}"), texts.say(key)) for figure, key in DEFINITIONS.items())


def priority(texts: Texts, policy: Policy, name: str) -> str:
    """A priority as people call it: ``P1 urgent``; its bare name when the configuration no longer has it."""
    level = policy.level(name)
    label = level.labels.get(texts.language, "") if level.name == name else ""
    return f"{name} {label}" if label and label != name else name


def numbered(texts: Texts, numbers: Sequence[int]) -> str:
    """Ticket numbers as people write them: ``#3, #5``, cut after ``LISTED``."""
    listed = ", ".join(f"#{number}" for number in numbers[:LISTED])
    more = len(numbers) - LISTED
    return texts.say("digest_more", list=listed, n=more) if more > 0 else listed


def percent(rate: Rate, texts: Texts) -> str:
    """A share as a whole percentage, or a dash for an empty population."""
    return texts.say("digest_none") if rate.share is None else f"{rate.share:.0%}"


def duration(length: timedelta | None, texts: Texts) -> str:
    """A length of time in words, or a dash where nothing was measured."""
    return texts.say("digest_none") if length is None else span(texts, length)


def one_line(text: str) -> str:
    """A customer's words on one line, cut to fit, without characters that could disturb the lines around it."""
    seen = "".join(" " if unicodedata.category(char) in _UNSEEN and char != _JOINER else char for char in text)
    words = " ".join(seen.split())
    return words if len(words) <= SUBJECT_LENGTH else f"{words[: SUBJECT_LENGTH - 1].rstrip()}…"


def _count(texts: Texts, key: str, edition: Edition, of: Callable[[Figures], int], better: int = 0) -> Line:
    now, before = of(edition.figures), of(edition.previous) if edition.previous else None
    change = None if before is None else float(now - before)
    return _line(texts, key, str(now), before=before, change=change, shown=f"{abs(change or 0):.0f}", better=better)


def _time(texts: Texts, key: str, edition: Edition, of: Callable[[Figures], Times]) -> Line:
    now, before = of(edition.figures), of(edition.previous) if edition.previous else None
    detail = ""
    if now.n > 1:
        detail = texts.say("digest_times_detail", median=duration(now.median, texts), p90=duration(now.p90, texts))
    change = None
    if before and now.mean is not None and before.mean is not None:
        # Both are shown to the minute, and their difference must be that of what is shown.
        change = float(_minutes(now.mean) - _minutes(before.mean))
    return _line(
        texts,
        key,
        duration(now.mean, texts),
        detail=detail,
        population=_population(texts, now.n, now.excluded),
        before=duration(before.mean, texts) if before else None,
        change=change,
        shown=span(texts, timedelta(minutes=abs(change or 0))),
        better=-1,
    )


def _minutes(length: timedelta) -> int:
    return round(length / timedelta(minutes=1))


def _rate(texts: Texts, key: str, edition: Edition, of: Callable[[Figures], Rate], better: int = -1) -> Line:
    now, before = of(edition.figures), of(edition.previous) if edition.previous else None
    change = None
    if before and now.share is not None and before.share is not None:
        change = float(round(100 * now.share) - round(100 * before.share))
    return _line(
        texts,
        key,
        percent(now, texts),
        detail=texts.say("digest_count_of", n=now.part, total=now.of) if now.of else "",
        population=_population(texts, now.of, now.excluded),
        before=percent(before, texts) if before else None,
        change=change,
        shown=texts.say("digest_points", n=f"{abs(change or 0):.0f}"),
        better=better,
    )


def _score(texts: Texts, edition: Edition) -> Line:
    now, before = edition.figures, edition.previous
    mean, earlier = now.csat.mean, before.csat.mean if before else None
    change = round(mean, 1) - round(earlier, 1) if mean is not None and earlier is not None else None
    return _line(
        texts,
        "csat",
        _score_text(texts, mean),
        detail=texts.say("digest_low_scores", tickets=numbered(texts, now.csat.low)) if now.csat.low else "",
        population=_population(texts, now.csat.n, 0),
        before=_score_text(texts, earlier) if before else None,
        change=None if change is None else round(change, 1),
        shown=f"{abs(change or 0):.1f}",
        better=1,
    )


def _score_text(texts: Texts, mean: float | None) -> str:
    return texts.say("digest_none") if mean is None else texts.say("digest_score_of", score=f"{mean:.1f}")


def _line(
    texts: Texts,
    key: str,
    value: str,
    *,
    before: str | int | None,
    change: float | None,
    shown: str,
    better: int,
    detail: str = "",
    population: str = "",
) -> Line:
    """A figure's line; ``better`` is 1 where more is better, -1 where less is, 0 where neither is."""
    sign = "+" if change and change > 0 else "−"
    return Line(
        key=key,
        label=texts.say(f"digest_{key}"),
        value=value,
        detail=detail,
        population=population,
        before=texts.say("digest_none") if before is None else str(before),
        change="" if change is None else f"{sign}{shown}" if change else "±0",
        good=change * better > 0 if change and better else None,
    )


def _population(texts: Texts, n: int, excluded: int) -> str:
    if excluded:
        return texts.say("digest_population_excluded", n=n, excluded=excluded)
    return texts.say("digest_population", n=n)


def _columns(texts: Texts, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts.say(f"digest_column_{name}") for name in names)


def _service_table(found: Figures, texts: Texts, policy: Policy, target: Target) -> Table:
    rows, measured = [], 0
    for service in found.services:
        first = target is Target.FIRST_RESPONSE
        times = service.first_response if first else service.resolution
        met = service.first_response_met if first else service.resolution_met
        level = policy.level(service.priority)
        promise = level.promise(target) if level.name == service.priority else None
        kept = percent(met, texts)
        cells = (
            priority(texts, policy, service.priority),
            duration(promise.allowed if promise else None, texts),
            duration(times.mean, texts),
            duration(times.p90, texts),
            str(times.n),
            f"{kept} ({texts.say('digest_count_of', n=met.part, total=met.of)})" if met.of else kept,
        )
        rows.append(Row(cells=cells, bar=met.share))
        measured += times.n + met.of
    names = _columns(texts, ("priority", "target", "mean", "p90"))
    columns = (*names, "n", texts.say("digest_column_kept"))
    return Table(title=texts.say(f"digest_section_{target}"), columns=columns, rows=tuple(rows) if measured else ())


def _volume_table(by: str, volumes: Mapping[str, Volume], texts: Texts) -> Table:
    most = max((volume.opened for volume in volumes.values()), default=0) or 1
    counted = any(volume != Volume() for volume in volumes.values())
    rows = tuple(
        Row(
            cells=(one_line(name), str(volume.opened), str(volume.resolved), str(volume.closed)),
            bar=volume.opened / most,
        )
        for name, volume in volumes.items()
    )
    columns = _columns(texts, (by, "opened", "resolved", "closed"))
    return Table(title=texts.say(f"digest_section_by_{by}"), columns=columns, rows=rows if counted else ())


def _backlog_table(found: Figures, texts: Texts) -> Table:
    most = max(found.backlog.bands.values(), default=0) or 1
    rows = tuple(
        Row(cells=(texts.say(f"digest_band_{band}"), str(n)), bar=n / most) for band, n in found.backlog.bands.items()
    )
    columns = _columns(texts, ("age", "tickets"))
    rows = rows if found.backlog.total else ()
    return Table(title=texts.say("digest_section_backlog"), columns=columns, rows=rows)


def _oldest_table(found: Figures, texts: Texts, policy: Policy) -> Table:
    rows = tuple(Row(cells=_oldest_cells(each, found.at, texts, policy)) for each in found.backlog.oldest)
    columns = _columns(texts, ("ticket", "subject", "priority", "assignee", "age"))
    return Table(title=texts.say("digest_section_oldest"), columns=columns, rows=rows, words=4)


def _oldest_cells(ticket: Ticket, at: datetime, texts: Texts, policy: Policy) -> tuple[str, ...]:
    age = at - ticket.opened_at
    return (
        f"#{ticket.number}",
        one_line(ticket.subject) or texts.say("no_subject"),
        priority(texts, policy, ticket.priority),
        _name(ticket.assignee, policy) if ticket.assignee else texts.say("nobody"),
        texts.say("digest_days", n=age.days) if age.days else span(texts, age),
    )


def _people_table(found: Figures, texts: Texts, policy: Policy) -> Table:
    rows = tuple(
        Row(cells=(_name(person.key, policy), str(person.resolved), str(person.first_responses)))
        for person in found.people
    )
    columns = _columns(texts, ("person", "resolved", "first_responses"))
    return Table(title=texts.say("digest_section_people"), columns=columns, rows=rows)


def _name(key: str, policy: Policy) -> str:
    person = policy.person(key)
    return person.name if person else key
