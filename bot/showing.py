"""How answers look to people at a terminal; with ``--json`` the same lines are printed as they are."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules.reconciling import CLASSES

Line = dict[str, Any]

_SHORT = 48
_NOT_HELD = re.compile(r"rule (.+?): no, ")
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """Text for a terminal without what would command it or turn its lines around: customers write much of it."""
    return _COMMANDS.sub("\N{REPLACEMENT CHARACTER}", text)


def local(line: Line, timezone: str) -> Line:
    """The line with its moments (``at``, ``…_at``) in the desk's time zone, as mails tell them."""
    zone = ZoneInfo(timezone)
    return {
        key: datetime.fromisoformat(value).astimezone(zone).isoformat()
        if (key == "at" or key.endswith("_at")) and isinstance(value, str)
        else value
        for key, value in line.items()
    }


def _moment(text: str | None) -> str:
    """A moment with its distance from UTC, so that nobody takes one zone for another."""
    if not text:
        return "-"
    at = datetime.fromisoformat(text)
    # An effect whose hold was ended is due since always.
    return "at once" if at.timestamp() <= 0 else f"{at:%Y-%m-%d %H:%M}{at:%z}".removesuffix("00")


def _cut(text: str, length: int = _SHORT) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def ticket(line: Line) -> str:
    """One ticket on one line."""
    return (
        f"#{line['number']:<6} {line['priority']:<4} {line['status']:<10} {line['assignee'] or '-':<12} "
        f"due {_moment(line['due_at']):<19}  {_cut(line['subject']) or '(no subject)'}  ({line['customer']})"
    )


def found(line: Line) -> str:
    """A ticket that a search found, and below it the words around what was looked for."""
    about = _cut(line["subject"]) or "(no subject)"
    head = f"#{line['number']:<6} {line['status']:<10} {_moment(line['updated_at'])}  {about}  ({line['customer']})"
    said = f"{'note: ' if line['inside'] else ''}{line['snippet']}"
    return f"{head}\n        {said}" if line["snippet"] else head


def story(line: Line) -> str:
    """A ticket, then its journal entry by entry."""
    if "number" in line:
        return ticket(line)
    told = f"{line['entry']:>3}  {_moment(line['at'])}  {_kind(line):<16} {line['by']}: {line['text'].strip()}"
    return told.removesuffix(": ")


def _kind(line: Line) -> str:
    return str(line["kind"]).replace("_", " ")


def reasons(line: Line) -> str | None:
    """A journal entry with the reasons under it; cards that stand where they should have no story to tell."""
    if "number" in line:
        return ticket(line)
    if line["kind"] == "timer":
        return f"{_moment(line['due_at'])}  will ring        {_bell(line['what'])}"
    if "key" in line:
        if (line["kind"], line["state"]) == ("card", "accepted"):
            return None
        problem = f" ({line['problem']})" if line["problem"] else ""
        name = f" as {line['queue_id']}" if line["queue_id"] else ""
        return f"{_moment(line['due_at']):<19}  owed             {line['key']}: {line['state']}{name}{problem}"
    told = f"{_moment(line['at'])}  {_kind(line):<16} {line['by']}: {_cut(line['text'], 100)}".removesuffix(": ")
    return "\n".join([told, *(f"                       - {reason}" for reason in _telling(line["because"]))])


def _bell(what: str) -> str:
    """A timer in words: the steps of the ladder count from one, as they do in chat."""
    about, _, rest = what.partition(":")
    kind, _, index = rest.partition(":")
    words = f"escalation step {int(index) + 1}" if kind == "step" and index.isdigit() else rest.replace(":", " ")
    return f"{about.replace('_', ' ')}: {words}" if words else about.replace("_", " ")


def _telling(because: list[str]) -> list[str]:
    """The reasons; the rules that did not hold share one line at the end, for they are many and decided nothing."""
    silent = [found[1] for reason in because if (found := _NOT_HELD.match(reason))]
    told = [reason for reason in because if not _NOT_HELD.match(reason)]
    return [*told, f"rules that did not hold: {', '.join(silent)}"] if silent else told


def outcome(line: Line) -> str:
    """What came of an order."""
    about = line.get("number") or line.get("key")
    finding = f": {line['finding']}" if "finding" in line else ""
    return f"{'#' if isinstance(about, int) else ''}{about or ''} {line.get('outcome', '')}{finding}".strip()


def quarantined(line: Line) -> str:
    """A message that waits, on one line."""
    about = f"{line['sender']}: {_cut(line['subject'])}"
    # A bug of ours waits for its fix, a suspect for a person's word.
    what = f"suspect, #{line['ticket']}" if line["ticket"] else line["kind"]
    return f"{line['handle']}  {_moment(line['at'])}  ({what})\n    {about}\n    {line['problem_line']}"


def tally(line: Line) -> str:
    """What is counted for one address, domain or ticket, on one line."""
    states = [
        "blocked" if line["blocked"] else "",
        f"free until {_moment(line['free_until_at'])}" if line["free_until_at"] else "",
        f"staff were told {_moment(line['told_at'])}" if line["told_at"] else "",
    ]
    told = "; ".join(state for state in states if state)
    return f"{line['key']}  answered {line['answered']}, reopened {line['reopened']} within a day  {told}".rstrip()


def held(line: Line) -> str:
    """A message that waits, whole."""
    return f"{quarantined(line)}\n\n{line['trace']}\n{line['raw']}"


def owed(line: Line) -> str:
    """An effect on one line."""
    about = ", ".join(line["to"]) or _cut(line["text"])
    problem = f"  {line['problem']}" if line["problem"] else ""
    name = f"  as {line['queue_id']}" if line["queue_id"] else ""
    due = f"due {_moment(line['due_at'])}"
    return f"{line['state']:<10} {line['key']:<36} {line['kind']:<5} {about}  {due}{name}{problem}"


def verified(line: Line) -> str:
    """What was checked."""
    if "finding" in line:
        return str(line["finding"])
    counts = ", ".join(f"{count} {what}" for what, count in line["checked"].items())
    return f"checked: {counts}; {line['problems']} problems"


def archived(line: Line) -> str:
    """How many tickets were put away."""
    return f"archived: {line['archived']} closed before {line['before']}"


def inspected(line: Line) -> str:
    """How one mail was understood."""
    automatic = line["automatic"]
    who = automatic["kind"].replace("_", " ") if automatic["is_automatic"] else "a person"
    files = ", ".join(file["filename"] or file["content_type"] for file in line["attachments"]) or "none"
    told = [
        f"{line['file']}: {line['subject']}",
        f"    from {line['from']['name']} <{line['from']['address']}>, {who}, language {line['language'] or 'unknown'}",
        f"    files: {files}; quoted {len(line['quoted_text'])} characters",
        *(
            f"    {'did not reach' if one['permanent'] else 'delayed for'} {one['recipient']}: {one['status'] or '?'}"
            for one in line["bounces"]
        ),
        *(f"    note: {note}" for note in line["notes"]),
        *(f"    | {text}" for text in line["reply_text"].strip().splitlines()[:12]),
    ]
    return "\n".join(told)


def classified(line: Line) -> str:
    """What the rules say about one item, with the reasons that mattered."""
    told = [f"{line['id']}: {line['priority']} {line['category']} (impact {line['impact']}, urgency {line['urgency']})"]
    return "\n".join(told + [f"    - {reason}" for reason in line["because"] if not _NOT_HELD.match(reason)])


def checked(line: Line) -> str:
    """One thing that was looked at."""
    told = f"{'ok ' if line['ok'] else 'NOT'} {line['what']}: {line['told']}"
    return f"{told}\n    {line['advice']}" if line["advice"] else told


def proof(line: Line) -> str:
    """One mailbox against its ledger, as a sum."""
    if line["problem"]:
        return f"{line['mailbox']}: {line['finding']}"
    told = [f"{line[name]} {name.replace('_', ' ')}" for name in CLASSES if line[name]]
    shown = f" (UID {', '.join(map(str, line['unexplained_uids'][:20]))})" if line["unexplained"] else ""
    terms = " + ".join([*told, f"{line['unexplained']} unexplained"])
    return f"{line['mailbox']}: {line['on_server']} on server = {terms}{shown}"
