"""The mail corpus: each message is understood as the person who read it wrote down, and the collection is wide enough.

The messages and the rules for writing them are in tests/corpus (see its README).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path

import pytest

from channels.mail.inspect import inspect

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
OWN = ("support@example.com",)
TOPICS = {"reply", "machine", "bounce", "charset", "threading", "structure", "attack", "language"}
REQUIRED = {"client", "language", "structure", "about", "topics", "expect"}
WITHOUT_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
# A message of this group also says how it is threaded, which tests/scenarios/test_threading_corpus.py plays.
THREADING = "threading"

Case = dict[str, object]
Record = dict[str, object]
Check = Callable[[object, Record], list[str]]


def words(text: object) -> str:
    """A text with every run of white space as one blank, the form in which texts are compared."""
    return " ".join(str(text).split())


@cache
def case(name: str) -> Case:
    loaded: Case = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@cache
def raw(name: str) -> bytes:
    return (CORPUS / f"{name}.eml").read_bytes()


def names_of(suffix: str) -> list[str]:
    return sorted(str(path.relative_to(CORPUS).with_suffix("")) for path in CORPUS.glob(f"*/*{suffix}"))


def topics(name: str) -> list[str]:
    listed = case(name)["topics"]
    assert isinstance(listed, list)
    return listed


NAMES = names_of(".json")


# ------------------------------------------------------------------------------------------------ comparing
def differs(field: str, expected: object, got: object) -> list[str]:
    return [] if expected == got else [f"{field}\n    expected  {expected!r}\n    got       {got!r}"]


def same(field: str) -> Check:
    return lambda expected, record: differs(field, expected, record[field])


def same_words(field: str) -> Check:
    return lambda expected, record: differs(field, words(expected), words(record[field]))


def some_of(field: str) -> Check:
    """The named sub-fields of one thing, the others are free."""

    def check(expected: object, record: Record) -> list[str]:
        return subset(field, expected, record[field])

    return check


def each_of(field: str) -> Check:
    """A list in its order, of which each item names only the sub-fields that matter."""

    def check(expected: object, record: Record) -> list[str]:
        items = record[field]
        assert isinstance(expected, list), f"{field} wants a list"
        assert isinstance(items, list)
        if len(items) != len(expected):
            return differs(f"{field}, how many", expected, items)
        pairs = enumerate(zip(expected, items, strict=True))
        return [line for at, (wanted, item) in pairs for line in subset(f"{field}[{at}]", wanted, item)]

    return check


def subset(field: str, expected: object, got: object) -> list[str]:
    assert isinstance(expected, dict), f"{field} wants an object"
    assert isinstance(got, dict)
    unknown = [f"{field}.{key} is no field of the record" for key in expected if key not in got]
    return unknown + [
        line for key in expected if key in got for line in differs(f"{field}.{key}", expected[key], got[key])
    ]


def has(field: str) -> Check:
    def check(expected: object, record: Record) -> list[str]:
        whole = joined(record[field])
        missing = [part for part in parts(expected) if words(part) not in whole]
        return [f"{field} has not {part!r}\n    got       {whole!r}" for part in missing]

    return check


def lacks(field: str) -> Check:
    def check(expected: object, record: Record) -> list[str]:
        whole = joined(record[field])
        found = [part for part in parts(expected) if words(part) in whole]
        return [f"{field} has {part!r} and should not\n    got       {whole!r}" for part in found]

    return check


def joined(value: object) -> str:
    return words(" ".join(value) if isinstance(value, list) else value)


def parts(expected: object) -> Iterable[str]:
    assert isinstance(expected, list), "wants a list of texts"
    assert expected, "a list of texts is not empty"
    return expected


CHECKS: dict[str, Check] = {
    **{f: same(f) for f in ("message_id", "date", "from", "to", "cc", "reply_to", "subject")},
    **{f: same(f) for f in ("in_reply_to", "references", "language", "notes")},
    **{f: same_words(f) for f in ("text", "reply_text", "quoted_text")},
    **{f: each_of(f) for f in ("attachments", "bounces")},
    "automatic": some_of("automatic"),
    "text_has": has("text"),
    "reply_has": has("reply_text"),
    "quoted_has": has("quoted_text"),
    "notes_has": has("notes"),
    "reply_lacks": lacks("reply_text"),
}


# ------------------------------------------------------------------------------------------------ each message
@cache
def record_of(name: str) -> Record:
    return inspect(raw(name), file=f"{name}.eml", own_addresses=OWN)


def expected_of(name: str) -> dict[str, object]:
    expected = case(name)["expect"]
    assert isinstance(expected, dict)
    return {field: value for field, value in expected.items() if field in CHECKS or not is_threading(name)}


def is_threading(name: str) -> bool:
    return name.startswith(f"{THREADING}/")


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_understood_as_its_reader_wrote_down(name: str) -> None:
    expected = expected_of(name)
    unknown = sorted(expected.keys() - CHECKS.keys())
    assert not unknown, f"{name}.json expects what inspect does not say: {unknown}"
    found = [line for field, value in expected.items() for line in CHECKS[field](value, record_of(name))]
    assert not found, f"{name}: {case(name)['about']}\n  " + "\n  ".join(found)


def seen(text: object) -> list[str]:
    """The words a reader sees: what has no width, such as the mark an iPhone puts before a quote, is none."""
    return words(str(text).translate(WITHOUT_WIDTH)).split()


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_message_is_lost_between_reply_and_quote(name: str) -> None:
    record = record_of(name)
    whole = Counter(seen(record["text"]))
    shown = Counter([*seen(record["reply_text"]), *seen(record["quoted_text"])])
    assert whole == shown, f"lost: {dict(whole - shown)}, invented: {dict(shown - whole)}"


# ------------------------------------------------------------------------------------------------ the collection
def test_each_message_has_its_expectation_and_the_reverse() -> None:
    assert names_of(".eml") == names_of(".json")


@pytest.mark.parametrize("name", NAMES)
def test_an_expectation_is_filled_in_by_the_rules(name: str) -> None:
    written = case(name)
    assert written.keys() >= REQUIRED
    assert written["expect"], "nothing is expected"
    assert topics(name), "no topic"
    assert set(topics(name)) <= TOPICS
    assert all(isinstance(written[key], str) and written[key] for key in ("client", "language", "structure", "about"))


def test_at_least_300_messages() -> None:
    assert len(NAMES) >= 300


def test_at_least_150_triples_of_client_language_and_structure() -> None:
    triples = {(case(name)["client"], case(name)["language"], case(name)["structure"]) for name in NAMES}
    assert len(triples) >= 150


def with_topic(*wanted: str, among: Collection[str] = NAMES) -> list[str]:
    return [name for name in among if set(wanted) & set(topics(name))]


def test_at_least_60_replies() -> None:
    assert len(with_topic("reply")) >= 60


def test_at_least_60_machine_mails_and_bounces() -> None:
    assert len(with_topic("machine", "bounce")) >= 60


def test_at_least_40_charset_cases() -> None:
    assert len(with_topic("charset")) >= 40


def test_at_least_40_attacks_on_threading() -> None:
    assert len(with_topic("attack", among=[name for name in NAMES if is_threading(name)])) >= 40


def test_no_two_messages_have_the_same_body() -> None:
    bodies: dict[str, list[str]] = {}
    for name in NAMES:
        body = raw(name).replace(b"\r\n", b"\n").partition(b"\n\n")[2]
        if body.strip():
            bodies.setdefault(hashlib.sha256(body).hexdigest(), []).append(name)
    assert [names for names in bodies.values() if len(names) > 1] == []
