"""Every mail of the threading corpus comes to a desk that stands: which ticket it finds, and who learns of it.

The mails and what they must lead to are in ``tests/corpus/threading``; ``tests/corpus/README.md`` tells the format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from channels.mail.parse import parse
from rules.model import Address, AuthorKind, Entry, EntryKind, Message, Status
from rules.policy import Mailbox, Policy
from rules.tokens import message_id, read_reply_address, reply_address, signature
from tests.stage import Stage, a_policy

CORPUS = Path(__file__).parent.parent / "corpus" / "threading"
NAMES = sorted(path.stem for path in CORPUS.glob("*.json"))
DESK, DOMAIN = "support@example.com", "example.com"
SALES = Mailbox(name="sales", address="sales@example.com")
TRUSTED = ("mx.example.com",)

LONG_AGO = datetime(2026, 2, 6, 2, 0, tzinfo=UTC)
LATELY = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)

CUSTOMERS = {
    1: "ann@customer.test",
    2: "bob@elsewhere.test",
    3: "ann@customer.test",
    4: "carol@customer.test",
    5: "dora@gmail.com",
}
TOLD = (EntryKind.RECEIVED, EntryKind.AUTOMATIC, EntryKind.ALSO_RECEIVED)

_PLACEHOLDER = re.compile(rb"\{\{([a-z_]{1,40}):([^{}]{1,200})\}\}")


@cache
def the_policy() -> Policy:
    """The shipped rules with a second mailbox; read once, because they are only data."""
    policy = a_policy()
    return replace(policy, mailboxes=(*policy.mailboxes, SALES))


def a_standing_desk() -> Stage:
    """The desk before each mail: five tickets, one answered, one waiting, one closed a month ago, one resolved."""
    stage = Stage(policy=the_policy())
    stage.clock.at = LONG_AGO
    frank = (Address(email="frank@partner.test", name="Frank Weber"),)
    printer = {"subject": "Printer on the second floor", "message_id": "<ann-1@customer.test>"}
    stage.mail("It prints stripes.", sender=CUSTOMERS[1], **printer)
    invoice = {"subject": "Invoice 7741", "message_id": "<bob-1@elsewhere.test>", "cc": frank}
    stage.mail("The sum is wrong.", sender=CUSTOMERS[2], **invoice)
    stage.mail("The K is gone.", sender=CUSTOMERS[3], subject="Keyboard without K", message_id="<ann-3@customer.test>")
    stage.command("resolve", "A new keyboard was sent.", number=3, now="yes")
    stage.answer("Yes", number=3, sender=CUSTOMERS[3])
    for number in (1, 2):
        stage.command("hold", "", number=number, until=LATELY.isoformat())
    stage.wait(seconds=(LATELY - stage.clock.at).total_seconds())
    stage.reply("Please run the cleaning programme.", number=1)
    stage.answer("I did, and wait for its end.", number=1, sender=CUSTOMERS[1], message_id="<ann-2@customer.test>")
    stage.mail("We need toner.", sender=CUSTOMERS[4], subject="Toner", message_id="<carol-1@customer.test>")
    stage.command("resolve", "Toner was sent.", number=4, now="yes")
    stage.mail("I want my money back.", sender=CUSTOMERS[5], subject="Refund", message_id="<dora-1@gmail.com>")
    stage.command("wait", "We wait for your bank.", number=2)
    stage.wait(seconds=(NOW - stage.clock.at).total_seconds())
    return stage


def test_the_desk_stands_as_the_corpus_says() -> None:
    """Five tickets, each as the cases take it for granted, and our mails bear the ids that the cases name."""
    stage = a_standing_desk()
    states = {number: stage.status(number) for number in CUSTOMERS}
    assert states == {1: Status.OPEN, 2: Status.WAITING, 3: Status.CLOSED, 4: Status.RESOLVED, 5: Status.NEW}
    assert {number: stage.ticket(number).customer.email for number in CUSTOMERS} == CUSTOMERS
    assert [person.email for person in stage.ticket(2).participants] == ["frank@partner.test"]
    closed_at = stage.ticket(3).closed_at
    assert closed_at is not None
    assert NOW - closed_at > timedelta(days=29)
    sent = {mail.message_id for mail in stage.mails()}
    assert {sent_id(stage, f"{number}:acknowledgement") for number in CUSTOMERS} <= sent
    assert sent_id(stage, "1:reply:1") in sent


def sent_id(stage: Stage, effect: str) -> str:
    """The Message-ID of the mail that we owe under an effect key."""
    return message_id(stage.policy.secret, effect, DOMAIN)


def signed(stage: Stage, number: str, owner: str) -> str:
    """The Reply-To that we gave to somebody about a ticket."""
    inside = stage.policy.staff_by_email(owner) is not None
    return reply_address(stage.policy.secret, DESK, int(number), owner, inside=inside)


def _moved_address(stage: Stage, number: str, owner: str, other: str) -> str:
    return signed(stage, number, owner).replace(f"+{number}.", f"+{other}.")


def _tampered_address(stage: Stage, number: str, owner: str) -> str:
    address = signed(stage, number, owner)
    local, _, domain = address.partition("@")
    assert read_reply_address(address)
    return f"{local[:-1]}{'b' if local[-1] == 'a' else 'a'}@{domain}"


def _moved_id(stage: Stage, number: str, rest: str, count: str, other: str) -> str:
    ours = f"{number}.{rest}.{count}"
    return f"<{other}.{rest}.{count}.{signature(stage.policy.secret, 'mail', ours)}@{DOMAIN}>"


PLACEHOLDERS: dict[str, Callable[..., str]] = {
    "reply_address": signed,
    "upper_address": lambda stage, number, owner: signed(stage, number, owner).upper(),
    "tampered_address": _tampered_address,
    "moved_address": _moved_address,
    "sent_id": lambda stage, *effect: sent_id(stage, ":".join(effect)),
    "moved_id": _moved_id,
    "subject_number": lambda stage, number: f"[#{number}]",
}


def filled(raw: bytes, stage: Stage) -> bytes:
    """A mail of the corpus with the keys and ids that only this desk can make."""

    def value(found: re.Match[bytes]) -> bytes:
        make = PLACEHOLDERS[found[1].decode()]
        return make(stage, *found[2].decode().split(":")).encode()

    return _PLACEHOLDER.sub(value, raw)


@dataclass
class Case:
    """One mail of the corpus on its way into the desk, and what is seen of it afterwards."""

    name: str
    stage: Stage
    facts: dict[str, Any] = field(default_factory=dict)
    delivered: list[Message] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = json.loads((CORPUS / f"{self.name}.json").read_text(encoding="utf-8"))

    def deliver(self, mailbox: str = "support") -> None:
        """Hand the mail over as its listener would."""
        envelope = self.facts.get("envelope", {})
        raw = filled((CORPUS / f"{self.name}.eml").read_bytes(), self.stage)
        recipients = [filled(one.encode(), self.stage).decode() for one in envelope.get("recipients", [])]
        message = parse(
            raw,
            received_at=self.stage.clock.at,
            channel=f"mail:{mailbox}",
            recipients=tuple(recipients) if mailbox == "support" else (SALES.address,),
            envelope_sender=envelope.get("sender"),
            own_addresses=[address for box in self.stage.policy.mailboxes for address in box.addresses],
            trusted_hosts=TRUSTED,
        )
        self.delivered.append(message)
        self.outcomes.append(spoken(self.stage.desk.receive(message)))
        self.stage.deliver()

    def told(self) -> dict[int, Entry]:
        """The first journal entry that tells of this mail, by its ticket."""
        keys = {message.key for message in self.delivered}
        told: dict[int, Entry] = {}
        for number in range(1, self.stage.count() + 1):
            for entry in self.stage.entries(number):
                if entry.kind in TOLD and entry.message_key in keys:
                    told.setdefault(number, entry)
        return told


def spoken(outcome: str) -> str:
    """The corpus's word for what the desk did."""
    return "machine" if outcome.startswith("automatic:") else {"own": "dropped"}.get(outcome, outcome)


def played(name: str) -> tuple[Case, Stage, int, int]:
    """The case after its mail, with how many tickets and mails there were before it."""
    stage = a_standing_desk()
    case = Case(name, stage)
    for source, target in case.facts.get("merged", ()):
        answer = stage.command("merge", number=source, into=str(target))
        assert answer.refusal is None, answer.refusal
    for earlier in case.facts.get("before", ()):
        Case(earlier, stage).deliver()
    tickets, mails = stage.count(), len(stage.mails())
    for mailbox in case.facts.get("deliver", ("support",)):
        case.deliver(mailbox)
    return case, stage, tickets, mails


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_finds_its_ticket(name: str) -> None:
    """Outcome, ticket, relation, author and acknowledgement are those that a careful person wrote down."""
    case, stage, tickets, mails = played(name)
    wanted = case.facts["thread"]
    about = f"{case.facts['about']} {wanted} but {case.outcomes}, {sorted(case.told())}, {case.delivered[-1].notes}"
    assert case.outcomes[-1] == wanted["outcome"], about
    opened = wanted["outcome"] in ("opened", "also_received")
    assert stage.count() == tickets + opened, about
    number = stage.count() if opened else wanted["ticket"]
    assert list(case.told()) == ([number] if number else []), about
    if "author" in wanted:
        assert case.told()[number].author.kind is AuthorKind(wanted["author"]), about
    if "related" in wanted:
        assert stage.ticket(number).linked == ((wanted["related"],) if wanted["related"] else ()), about
    _only_the_right_people_hear(case, stage, mails, number)


def _only_the_right_people_hear(case: Case, stage: Stage, mails: int, number: int | None) -> None:
    """No mail goes to anybody but those who take part, and no other ticket is named to them."""
    later = stage.mails()[mails:]
    told = {address for mail in later for address in (*mail.to, *mail.cc)}
    message = case.delivered[-1]
    people = {message.sender.email, *(address.email for address in message.reply_to)}
    staff = {person.email for person in stage.policy.staff}
    if number and number <= len(CUSTOMERS):
        ticket = stage.ticket(number)
        people |= {ticket.customer.email, *(person.email for person in ticket.participants)}
    assert told <= people | staff, f"{case.name}: {told - people - staff} heard of it"
    others = {f"[#{other}]" for other in range(1, stage.count() + 1)} - {f"[#{number}]"}
    assert not [mail.subject for mail in later if any(other in mail.subject for other in others)], case.name
    acknowledged = case.facts["thread"].get("acknowledged")
    if acknowledged is not None:
        answers = [mail for mail in later if not staff.issuperset(mail.to)]
        assert len(answers) == int(acknowledged), f"{case.name}: {[(mail.to, mail.subject) for mail in answers]}"


@pytest.mark.parametrize("name", [name for name in NAMES if '"held"' in (CORPUS / f"{name}.json").read_text("utf-8")])
def test_a_held_mail_changes_no_ticket_and_asks_a_person(name: str) -> None:
    """Nothing of it is on a ticket; one card tells of it, with two buttons."""
    stage = a_standing_desk()
    case = Case(name, stage)
    for source, target in case.facts.get("merged", ()):
        stage.command("merge", number=source, into=str(target))
    before = {number: _standing(stage, number) for number in CUSTOMERS}
    posts = len(stage.posts())
    case.deliver()
    assert {number: _standing(stage, number) for number in CUSTOMERS} == before
    asked = [post for post in stage.posts()[posts:] if len(post.buttons) == 2]
    assert len(asked) == 1, [post.text for post in stage.posts()[posts:]]


def _standing(stage: Stage, number: int) -> tuple[object, ...]:
    ticket = stage.ticket(number)
    return ticket.status, ticket.participants, ticket.customer, ticket.subject, ticket.received, ticket.clocks


def test_every_mail_of_the_corpus_is_another_one() -> None:
    """No two cases share a sender, subject and words; each has its own Message-ID, but for those about ids."""
    stage = a_standing_desk()
    seen: dict[tuple[str, str, str], str] = {}
    for name in NAMES:
        raw = filled((CORPUS / f"{name}.eml").read_bytes(), stage)
        message = replace(parse(raw, received_at=NOW, channel="mail:support"), key="")
        facts = (message.sender.email, message.subject, message.text)
        assert facts not in seen, f"{name} is the same mail as {seen.get(facts)}"
        seen[facts] = name
