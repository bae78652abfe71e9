"""Loops: with another desk, a vacation responder, a relay that bounces, a robot (complaints 23, 27, 28, 29)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message as Read
from email.policy import default

import pytest

from rules.model import EntryKind, Status
from rules.policy import CustomerMatch, Limits
from tests.letter_exchange import CorrespondingDesk, Exchange, Sent, a_letter
from tests.stage import Stage, a_stage

DESK, OTHER, ROBOT = "support@one.test", "help@two.test", "bob@away.test"
PERSON = "ana@customer.test"

Words = Callable[[Read, int], tuple[str, str, dict[str, str]]]


def responder(address: str, words: Words) -> Callable[[Sent], list[Sent]]:
    """A program that answers each mail to where answers shall go, whatever it says of itself."""
    count = itertools.count(1)

    def answer(sent: Sent) -> list[Sent]:
        read = message_from_bytes(sent.raw, policy=default)
        to = str(read["Reply-To"] or read["From"]).rpartition("<")[2].strip("<> ")
        number = next(count)
        subject, text, headers = words(read, number)
        return [a_letter(address, to, subject, text, Message_ID=f"<{number}@away.test>", **headers)]

    return answer


def to_the_plain_address(answer: Callable[[Sent], list[Sent]]) -> Callable[[Sent], list[Sent]]:
    """The same for a program that ignores where answers shall go."""
    return lambda sent: [
        Sent(reply.envelope_sender, DESK, reply.raw.replace(reply.recipient.encode(), DESK.encode()))
        for reply in answer(sent)
    ]


def marked(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    return f"Automatic reply: {read['Subject']}", "I am away.", {
        "Auto_Submitted": "auto-replied", "In_Reply_To": str(read["Message-ID"]), "Return_Path": "<>",
    }  # fmt: skip


def unmarked(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    return "Thank you", "We have your mail and will see to it.", {}


def answering(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    return f"Re: {read['Subject']}", "We have your mail and will see to it.", {"In_Reply_To": str(read["Message-ID"])}


def fresh_subject(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    return ["Thanks", "Received", "Hello", "Your mail", "Soon"][number % 5], "We have your mail and will see to it.", {}


def counting(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    return f"Request {1000 + number} received", f"Your request has the number {1000 + number}.", {}


def quoting(read: Read, number: int) -> tuple[str, str, dict[str, str]]:
    part = read.get_body(("plain",))  # type: ignore[attr-defined]  # the modern policy gives an EmailMessage
    return f"Re: {read['Subject']}", "We have your mail.\n\n" + part.get_content()[:500].replace("\n", "\n> "), {}


ROBOTS = {
    "marked": marked, "unmarked": unmarked, "answering": answering, "fresh subject": fresh_subject,
    "counting": counting, "quoting": quoting,
}  # fmt: skip


def started(words: Words, *, plain: bool) -> tuple[Exchange, CorrespondingDesk]:
    exchange = Exchange()
    desk = exchange.desk(DESK)
    answer = responder(ROBOT, words)
    exchange.correspondents[ROBOT] = to_the_plain_address(answer) if plain else answer
    exchange.carry(a_letter(ROBOT, DESK, "The printer is down", "It does not print.", Message_ID="<0@away.test>"))
    return exchange, desk


@pytest.mark.parametrize("plain", [False, True], ids=["to Reply-To", "to the plain address"])
@pytest.mark.parametrize("kind", ROBOTS)
def test_a_vacation_responder_gets_at_most_two_automatic_mails(kind: str, plain: bool) -> None:
    """With headers or without any, with constant words or a counter, wherever it sends its answers."""
    _, desk = started(ROBOTS[kind], plain=plain)
    assert 1 <= len(desk.automatic_mails()) <= 2


@pytest.mark.parametrize("kind", ROBOTS)
def test_a_persons_mail_in_the_middle_of_a_loop_gets_in_and_is_acknowledged(kind: str) -> None:
    """The loop breaker holds back a machine's words to a machine, never a person's words to us."""
    exchange, desk = started(ROBOTS[kind], plain=True)
    before = desk.stage.count()
    exchange.carry(a_letter(PERSON, DESK, "My account is locked", "Please help me.", Message_ID="<p@customer.test>"))
    assert desk.stage.count() == before + 1
    assert len(desk.stage.mails_to(PERSON)) == 1
    # The robot's owner, too: a new request of a person is heard whatever their robot said before.
    exchange.correspondents.pop(ROBOT)
    exchange.carry(a_letter(ROBOT, DESK, "Now it is the scanner", "It scans nothing.", Message_ID="<own@away.test>"))
    assert desk.stage.count() == before + 2
    assert desk.stage.ticket(before + 2).subject == "Now it is the scanner"
    assert len(desk.stage.mails(before + 2)) == 1


def test_two_desks_that_write_to_each_other_stop_after_one_automatic_mail_each() -> None:
    """What one acknowledges, the other knows for a machine's; what a person asks gets its ticket at both."""
    exchange = Exchange()
    one, two = exchange.desk(DESK), exchange.desk(OTHER)
    exchange.carry(a_letter(OTHER, DESK, "Your invoice", "Which invoice is this?", Message_ID="<1@two.test>"))
    exchange.carry(a_letter(DESK, OTHER, "Your question", "Which question?", Message_ID="<1@one.test>"))
    assert [len(desk.automatic_mails()) for desk in (one, two)] == [1, 1]
    assert [desk.stage.count() for desk in (one, two)] == [1, 1]


def test_a_reply_of_staff_at_another_desk_is_a_persons_mail() -> None:
    """Two companies work with two desks; what their people write is never taken for a loop."""
    exchange = Exchange()
    one, two = exchange.desk(DESK), exchange.desk(OTHER)
    exchange.carry(a_letter(OTHER, DESK, "Your invoice", "Which invoice is this?", Message_ID="<1@two.test>"))
    for number in range(6):
        desk = (one, two)[number % 2]
        desk.stage.reply(f"Look again, it is number {number}.")
        exchange.carry(*desk.written())
    assert len(one.automatic_mails()) + len(two.automatic_mails()) <= 4
    said = [entry.text for entry in one.stage.entries(kind=EntryKind.RECEIVED)]
    assert sum("Look again" in text for text in said) == 3


def test_a_relay_that_bounces_everything_hears_no_more_from_us() -> None:
    """To the return address or to From, with a report or without one: a bounce is never answered."""
    for plain in (False, True):
        exchange = Exchange()
        desk = exchange.desk(DESK)
        exchange.correspondents[PERSON] = bouncing(to_from=plain)
        exchange.carry(a_letter(PERSON, DESK, "The printer is down", "It does not print.", Message_ID="<0@c.test>"))
        assert len(desk.automatic_mails()) == 1
        assert desk.stage.count() == 1
        assert "did not reach ana@customer.test" in desk.stage.posts(1)[-1].text


def bouncing(*, to_from: bool) -> Callable[[Sent], list[Sent]]:
    """A relay that takes a mail and says later that nobody is there."""

    def answer(sent: Sent) -> list[Sent]:
        back = DESK if to_from else sent.envelope_sender
        head = sent.raw.partition(b"\r\n\r\n")[0].decode()
        text = (
            f"<{sent.recipient}>: 550 5.1.1 user unknown\n\n--- Below this line is a copy of the message.\n\n{head}\n"
        )
        letter = a_letter(
            "MAILER-DAEMON@relay.test", back, "failure notice", text, Message_ID="<b@relay.test>", Return_Path="<>",
        )  # fmt: skip
        return [Sent("", back, letter.raw)]

    return answer


def many(stage: Stage, count: int, *, sender: str = PERSON) -> None:
    topics = ["printer", "scanner", "login", "invoice", "mouse", "screen", "phone", "desk", "chair", "door", "key",
              "lamp", "cable", "badge", "van", "roof"]  # fmt: skip
    for topic in itertools.islice(itertools.cycle(topics), count):
        stage.mail(f"The {topic} does not work since this morning.", subject=f"Broken {topic}", sender=sender)
        stage.wait(seconds=1)


def test_ten_different_requests_of_one_sender_are_all_acknowledged_and_no_more_on_that_day() -> None:
    """A person may ask a lot; the budget of the address holds for whoever hides better than any rule (R-IN-3)."""
    stage = a_stage()
    many(stage, 13)
    assert (stage.count(), len(stage.mails_to(PERSON))) == (13, 10)
    assert "the budget of 10 automatic answers to ana@customer.test within a day is used up" in stage.reasons(13)
    stage.wait(days=1)
    stage.mail("And now the window.", subject="Window", sender=PERSON)
    assert len(stage.mails_to(PERSON)) == 11


def test_numbered_requests_sent_at_once_are_all_acknowledged() -> None:
    """Somebody who sends a heap of mails does not wait for our answers, so it is no loop."""
    stage = a_stage()
    held, stage.deliver = stage.deliver, lambda: None  # type: ignore[method-assign]  # nothing leaves meanwhile
    for number in range(8):
        stage.mail(f"Order {number} is missing.", subject=f"Order {number}", sender=PERSON)
    held()
    assert len(stage.mails_to(PERSON)) == 8


def test_the_same_words_twice_are_answered_once() -> None:
    """A mail that was sent again, under another Message-ID, gets its ticket but no second answer that day."""
    stage = a_stage()
    stage.mail(sender=PERSON)
    stage.mail(sender=PERSON)
    assert (stage.count(), len(stage.mails_to(PERSON))) == (2, 1)
    assert "the very same words" in stage.reasons(2)
    assert [post for post in stage.posts() if post.mark == "alarm"] == []


def test_an_address_that_looks_like_a_programs_is_answered_once_a_day() -> None:
    """Alerts about other things each get their ticket (complaint 28)."""
    stage = a_stage()
    many(stage, 3, sender="alerts@shop.test")
    assert (stage.count(), len(stage.mails_to("alerts@shop.test"))) == (3, 1)


def test_the_budget_of_a_domain_is_for_its_addresses_together_but_not_at_public_providers() -> None:
    """A robot with many addresses is one robot; customers at gmail.com have nothing to do with each other."""
    stage = a_stage(limits=Limits(answers_per_domain=3))
    for name in "abcde":
        stage.mail(f"Question of {name}", subject=f"About {name}", sender=f"{name}@robots.test")
        stage.mail(f"Question of {name}", subject=f"About {name}", sender=f"{name}@gmail.com")
    to = [mail.to[0].partition("@")[2] for mail in stage.mails()]
    assert (to.count("robots.test"), to.count("gmail.com")) == (3, 5)


def test_the_budget_of_a_domain_begins_anew_every_hour() -> None:
    """The hour begins with its first answer."""
    stage = a_stage(limits=Limits(answers_per_domain=2))
    for name in "abcd":
        stage.mail(f"Question of {name}", subject=f"About {name}", sender=f"{name}@robots.test")
        stage.wait(minutes=25)
    # The first two of the first hour, then two of the second one.
    assert [mail.to[0][:1] for mail in stage.mails()] == ["a", "b", "d"]


def test_when_a_customers_whole_company_writes_each_of_them_is_acknowledged() -> None:
    """A domain that the owner names under `customers` has no budget (R-IN-3)."""
    known = (CustomerMatch(pattern="*@company.test", tier="gold"),)
    stage = a_stage(limits=Limits(answers_per_domain=2), customers=known)
    for name in "abcdef":
        stage.mail(f"Nothing works, says {name}", subject=f"Down at {name}", sender=f"{name}@company.test")
    assert len(stage.mails()) == 6


def test_every_budget_can_be_off() -> None:
    """Whoever wants every request acknowledged gets that."""
    off = Limits(
        answers_per_address=None, answers_per_domain=None, answers_per_ticket=None, reopenings_per_ticket=None,
    )  # fmt: skip
    stage = a_stage(limits=off)
    many(stage, 16)
    assert len(stage.mails_to(PERSON)) == 16


def test_a_broken_loop_is_shown_once_with_its_evidence_and_two_buttons() -> None:
    """Loop with whom, how many mails in what time, the last subject (idea 9)."""
    _, desk = started(unmarked, plain=True)
    stage = desk.stage
    for _ in range(4):
        stage.mail("We have your mail and will see to it.", subject="Thank you", sender=ROBOT)
    alarms = [post for post in stage.posts() if post.mark == "alarm"]
    assert len(alarms) == 1
    assert "Loop with bob@away.test broken: 3 mails in 1 min, last “Thank you”" in alarms[0].text
    assert [(button.command, button.value) for button in alarms[0].buttons] == [
        ("unblock", "address:bob@away.test"), ("block", "address:bob@away.test"),
    ]  # fmt: skip
    assert alarms[0].ticket == 3


def test_unblocked_automatic_mail_passes_for_an_hour() -> None:
    """Whatever was counted; then the rules hold again."""
    stage = a_stage()
    stage.mail(sender=PERSON)
    stage.command("unblock", value=f"address:{PERSON}")
    stage.mail(sender=PERSON)
    stage.wait(minutes=61)
    stage.mail(sender=PERSON)
    assert len(stage.mails_to(PERSON)) == 2
    told = [post.text for post in stage.posts(1)]
    assert "Ana Lopez lets automatic answers to ana@customer.test pass for an hour" in told


@pytest.mark.parametrize("key", [f"address:{PERSON}", PERSON.upper(), "domain:customer.test"])
def test_blocked_gets_nothing_automatic_and_is_heard_all_the_same(key: str) -> None:
    """A person's word holds until a person takes it back."""
    stage = a_stage()
    stage.mail(sender=PERSON)
    stage.command("block", value=key)
    stage.wait(days=3)
    stage.mail("Something else.", subject="Else", sender=PERSON)
    assert (stage.count(), len(stage.mails_to(PERSON))) == (2, 1)
    assert "gets no automatic answer any more" in stage.reasons(2)
    stage.command("unblock", value=key)
    stage.mail("A third thing.", subject="Third", sender=PERSON)
    assert len(stage.mails_to(PERSON)) == 2


@pytest.mark.parametrize("word", ["block", "unblock"])
def test_whoever_says_so_second_is_told_that_it_is_so_already(word: str) -> None:
    stage = a_stage()
    stage.mail(sender=PERSON)
    assert stage.command(word, value=f"address:{PERSON}").refusal is None
    again = stage.command(word, by="tom", value=f"address:{PERSON}").refusal
    assert again is not None
    assert "already" in again.text
    other = "unblock" if word == "block" else "block"
    assert stage.command(other, by="tom", value=f"address:{PERSON}").refusal is None


def test_a_word_about_nothing_that_is_counted_is_refused() -> None:
    """The message says how a key is written."""
    stage = a_stage()
    stage.mail()
    answer = stage.command("block", value="everybody")
    assert answer.refusal is not None
    assert "address:…" in answer.refusal.text


def test_a_stranger_may_not_block() -> None:
    """It is a command for staff like any other."""
    stage = a_stage()
    stage.mail(sender=PERSON)
    answer = stage.command("block", by="nobody", value=f"address:{PERSON}")
    assert answer.refusal is not None
    assert answer.refusal.code == "stranger"


def test_a_ticket_that_is_opened_again_and_again_is_parked() -> None:
    """From the sixth time on a day what is written stands in the thread, and staff are told once (complaint 27)."""
    stage = a_stage()
    stage.mail()
    for number in range(8):
        stage.command("resolve", "Done.", now="yes")
        stage.wait(seconds=1)
        stage.answer(f"The error {number} is there again, look at the log file please.")
    ticket = stage.ticket()
    assert ticket.reopened == 5
    assert ticket.status is Status.RESOLVED
    assert sum("stays as it is now" in post.text for post in stage.posts(1)) == 1
    assert len(stage.entries(kind=EntryKind.RECEIVED)) == 9
    assert "not reopened" in stage.reasons()


def test_what_is_counted_does_not_grow_without_end() -> None:
    """A robot that writes for months leaves a row of bounded size."""
    stage = a_stage()
    for number in range(60):
        stage.mail(f"Word {number}", subject="Same", sender=PERSON)
    with stage.store.read() as store:
        tally = store.tally(f"address:{PERSON}")
    assert tally is not None
    assert max(len(tally.answered_at), len(tally.heard_at), len(tally.hashes)) <= 20
