"""What must hold across the sections of ``config.yaml``: names used once, nothing promised by halves.

These checks read the plain data, not the models, so that they find their problems although other sections are wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from bot import config_defaults as shipped
from bot.config_document import Document, Loc, Place
from bot.config_types import did_you_mean
from bot.settings import MAILBOX
from bot.stores import problem_with
from rules.conditions import ConditionError, compile_condition
from rules.model import Target

CONTACT_ROLES = ("responsible", "second", "lead", "manager", "director")
RECIPIENT_ROLES = ("agent", "lead", "manager", "admin")


def staff_key(name: str) -> str:
    """The short stable key of a person who has no ``id``: ``Ana María López`` is ``ana-maria-lopez``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug or "-".join(f"{ord(character):x}" for character in name if not character.isspace())


def names_used(data: object) -> dict[str, tuple[str, ...]]:
    """The names that values may refer to, read before anything is checked."""
    staff = tuple(dict.fromkeys(key for _, key in _staff_keys(data)))
    matrix = _get(data, "priorities", "matrix")
    rows = matrix if isinstance(matrix, dict) else shipped.MATRIX
    columns = next((row for row in rows.values() if isinstance(row, dict)), {})
    calendars = _get(data, "calendars")
    return {
        "priority": level_names(data),
        "impact": tuple(rows),
        "urgency": tuple(columns),
        "category": _texts(_get(data, "categories")) or shipped.CATEGORIES,
        "calendar": tuple(dict.fromkeys([*(calendars if isinstance(calendars, dict) else ()), *_built_in(calendars)])),
        "mailbox": tuple(name for _, name in _mailbox_names(data)),
        "staff member": staff,
        "contact": (*CONTACT_ROLES, *staff),
        "recipient": (*RECIPIENT_ROLES, *staff),
    }


def _built_in(calendars: object) -> tuple[str, ...]:
    return (shipped.ALWAYS,) if calendars else (shipped.OFFICE, shipped.ALWAYS)


def level_names(data: object) -> tuple[str, ...]:
    """The names of the priorities, most urgent first."""
    levels = _get(data, "priorities", "levels")
    named = _texts([_get(level, "name") for level in levels]) if isinstance(levels, list) else ()
    return named or tuple(name for name, *_ in shipped.LEVELS)


def check_across(document: Document) -> None:
    """Report everything that is wrong between the parts of the configuration."""
    for check in (
        _check_once,
        _check_levels,
        _check_matrix,
        _check_ladders,
        _check_calendars,
        _check_digests,
        _check_mailboxes,
        _check_slack,
        _check_storage,
        _check_rules,
    ):
        check(document)


def _check_once(document: Document) -> None:
    data = document.data
    _once(document, "staff member", _staff_keys(data), ("id", "name"))
    _once(document, "address", _each(data, ("staff",), "email"), ("email",))
    _once(document, "Slack user", _each(data, ("staff",), "slack"), ("slack",))
    _once(document, "priority", _each(data, ("priorities", "levels"), "name"), ("name",))
    _once(document, "rule", _each(data, ("rules",), "name"), ("name",))
    _once(document, "mailbox", _mailbox_names(data), ("name",))
    categories = _get(data, "categories")
    if isinstance(categories, list):
        _once(document, "category", [(("categories", i), str(name)) for i, name in enumerate(categories)], ())


def _once(document: Document, what: str, found: object, keys: tuple[str, ...]) -> None:
    first: dict[str, int] = {}
    for loc, name in _pairs(found):
        at = next(((*loc, key) for key in keys if (*loc, key) in document.values), loc)
        lower = name.lower()
        if lower in first:
            document.report(at, f'the {what} "{name}" stands here twice, first in line {first[lower]}')
        first.setdefault(lower, document.place(at).line)


def _check_levels(document: Document) -> None:
    for index, name in enumerate(level_names(document.data)):
        if name in shipped.PROMISES:
            continue
        sla = _get(document.data, "sla", name)
        given = sla if isinstance(sla, dict) else {}
        at: Loc = ("sla", name) if given else ("priorities", "levels", index)
        missing = [target.value for target in Target if target.value not in given]
        if missing:
            document.report(at, f"the priority {name} needs {' and '.join(missing)} under sla.{name}")


def _check_matrix(document: Document) -> None:
    matrix, names = _get(document.data, "priorities", "matrix"), level_names(document.data)
    at: Loc = ("priorities", "matrix")
    if matrix is None and not set(names) >= {name for row in shipped.MATRIX.values() for name in row.values()}:
        document.report(("priorities",), "the priorities are your own, so a matrix must say how they are reached")
    if not isinstance(matrix, dict):
        return
    urgencies = names_used(document.data)["urgency"]
    for impact, row in matrix.items():
        given = tuple(row) if isinstance(row, dict) else ()
        missing, extra = set(urgencies) - set(given), set(given) - set(urgencies)
        if missing or extra:
            words = ", ".join(sorted(missing | extra))
            document.report((*at, impact), f"every impact needs the same urgencies as the first one; look at {words}")
    for key, names_known, standard in (
        ("default_impact", tuple(matrix), shipped.DEFAULT_IMPACT),
        ("default_urgency", urgencies, shipped.DEFAULT_URGENCY),
    ):
        if _get(document.data, "priorities", key) is None and standard not in names_known:
            document.report(("priorities", key), f"is missing, since the matrix has no {standard}")


def _check_ladders(document: Document) -> None:
    names = (*level_names(document.data), "default")
    for target in Target:
        ladders = _get(document.data, "escalation", target.value)
        for name in ladders if isinstance(ladders, dict) else ():
            if name not in names:
                loc: Loc = ("escalation", target.value, name)
                document.report(loc, f'"{name}" is not a priority{did_you_mean(name, names)}', key=True)


def _check_calendars(document: Document) -> None:
    calendars = _get(document.data, "calendars")
    for name, calendar in calendars.items() if isinstance(calendars, dict) else ():
        if isinstance(calendar, dict) and not calendar.get("always") and not calendar.get("hours"):
            document.report(("calendars", name), "has no open hours; give at least one day some, or always: true")


def _check_digests(document: Document) -> None:
    people, digests = _get(document.data, "staff"), _get(document.data, "digests")
    roles = {str(_get(person, "role") or "agent") for person in (people if isinstance(people, list) else ())}
    keys = {key for _, key in _staff_keys(document.data)}
    for index, digest in enumerate(digests if isinstance(digests, list) else ()):
        to = _get(digest, "to")
        for name in to if isinstance(to, list) else [to]:
            if name in RECIPIENT_ROLES and name not in roles | keys:
                document.report(("digests", index, "to"), f"nobody on the staff list has the role {name}")


def _check_mailboxes(document: Document) -> None:
    boxes = _get(document.data, "channels", "mail")
    first: dict[str, str] = {}
    for index, box in enumerate(boxes if isinstance(boxes, list) else ()):
        loc: Loc = ("channels", "mail", index)
        own = [((*loc, "address"), _get(box, "address"))]
        aliases = _get(box, "aliases")
        own += [((*loc, "aliases", i), alias) for i, alias in enumerate(aliases if isinstance(aliases, list) else ())]
        for at, address in own:
            lower = str(address).lower()
            if address and lower in first:
                document.report(at, f'the address "{address}" already belongs to mailbox {first[lower]}')
            first[lower] = str(_get(box, "name") or MAILBOX)
        _check_smtp_in(document, box, (*loc, "smtp_in"))
        _check_imap(document, box, (*loc, "imap"))
        _check_way_out(document, box, (*loc, "smtp_out"))
    staff = {str(email).lower(): loc for loc, email in _each(document.data, ("staff",), "email")}
    for address in first.keys() & staff.keys():
        document.report((*staff[address], "email"), f'"{address}" is a mailbox of the desk; staff write from their own')


def _check_smtp_in(document: Document, box: object, at: Loc) -> None:
    given = _get(box, "smtp_in")
    if isinstance(given, dict) and ("certificate" in given) != ("key" in given):
        document.report(at, "STARTTLS needs both certificate and key")


def _check_imap(document: Document, box: object, at: Loc) -> None:
    given = _get(box, "imap")
    if not isinstance(given, dict):
        return
    if ("password" in given) == ("oauth" in given):
        document.report(at, "needs either a password or oauth")
    _check_oauth(document, given.get("oauth"), (*at, "oauth"))


def _check_oauth(document: Document, given: object, at: Loc) -> None:
    if isinstance(given, dict) and given.get("provider") == "custom" and not given.get("token_url"):
        document.report(at, "a custom provider needs a token_url")


def _check_way_out(document: Document, box: object, at: Loc) -> None:
    out = _get(box, "smtp_out")
    if not isinstance(out, dict):
        return
    if ("maildir" in out) + ("host" in out) + ("socket" in out) != 1:
        document.report(at, "needs one of host (a relay), socket (a mail store) and maildir (a folder)")
    if "socket" in out and out.get("protocol") != "lmtp":
        document.report(at, "a socket is spoken to with protocol: lmtp")
    if ("username" in out) != ("password" in out or "oauth" in out) or ("password" in out and "oauth" in out):
        document.report(at, "a login needs both username and password, or username and oauth")
    _check_oauth(document, out.get("oauth"), (*at, "oauth"))


def _check_slack(document: Document) -> None:
    slack, at = _get(document.data, "channels", "slack"), ("channels", "slack")
    if not isinstance(slack, dict):
        return
    if slack.get("mode", "socket") == "socket" and "app_token" not in slack:
        document.report(at, "mode socket needs an app_token (xapp-…)")
    if slack.get("mode") == "http":
        for key in ("signing_secret", "listen"):
            if key not in slack:
                document.report(at, f"mode http needs {key}")


def _check_storage(document: Document) -> None:
    url = _get(document.data, "storage", "url")
    if not isinstance(url, str):
        return
    if problem := problem_with(url):
        document.report(("storage", "url"), problem)


def _check_rules(document: Document) -> None:
    rules = _get(document.data, "rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        at: Loc = ("rules", index, "when")
        when, then = _get(rule, "when"), _get(rule, "then")
        if isinstance(then, dict) and not then:
            document.report(("rules", index, "then"), "sets nothing")
        if not isinstance(when, str):
            continue
        try:
            compile_condition(when)
        except ConditionError as error:
            for problem in error.problems:
                place = _inside(document.place(at), problem.line, problem.column)
                document.report(at, problem.words, place=place)


def _inside(place: Place, line: int, column: int) -> Place:
    """The place of something inside of a text."""
    if place.body is None:
        return place
    top, left = place.body
    return Place(top + line - 1, left + column - 1 if place.block or line == 1 else column)


def check_languages(document: Document, written: Callable[[str], bool], folder: Path) -> None:
    """Report languages that nobody has written texts for."""
    languages = _get(document.data, "desk", "languages")
    for index, language in enumerate(languages if isinstance(languages, list) else ()):
        if isinstance(language, str) and not written(language):
            words = f'the language "{language}" has no texts; add {language}.yaml to {folder.name}/, or take it out'
            document.report(("desk", "languages", index), words)


def _staff_keys(data: object) -> list[tuple[Loc, str]]:
    people, found = _get(data, "staff"), []
    for index, person in enumerate(people if isinstance(people, list) else ()):
        key, name = _get(person, "id"), _get(person, "name")
        if isinstance(key, str) or isinstance(name, str):
            found.append((("staff", index), key if isinstance(key, str) else staff_key(str(name))))
    return [(tuple(loc), str(key)) for loc, key in found]


def _mailbox_names(data: object) -> list[tuple[Loc, str]]:
    boxes = _get(data, "channels", "mail")
    named = [
        (index, _get(box, "name") or MAILBOX) for index, box in enumerate(boxes if isinstance(boxes, list) else ())
    ]
    return [(("channels", "mail", index), str(name)) for index, name in named]


def _each(data: object, at: Loc, key: str) -> list[tuple[Loc, str]]:
    """What stands under ``key`` in each entry of a list."""
    entries = _get(data, *at)
    found = [(index, _get(entry, key)) for index, entry in enumerate(entries if isinstance(entries, list) else ())]
    return [((*at, index), value) for index, value in found if isinstance(value, str) and value]


def _pairs(found: object) -> Iterator[tuple[Loc, str]]:
    if isinstance(found, list):
        yield from found


def _texts(value: object) -> tuple[str, ...]:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _get(data: object, *path: str | int) -> object:
    """What stands at a path of the plain data; None where nothing does."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data
