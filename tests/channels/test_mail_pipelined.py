"""Many mails over few lines: written ahead where the relay allows it, and each with the fate that it really had."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.relay_line import Handed, Line
from channels.mail.relay_opening import Opened
from channels.mail.smtp_out import Relay, RelaySettings
from rules.effects import Mail, Receipt
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from tests.channels.mail_pipelines import CUT, PlainRelay, running
from tests.channels.test_mail_smtp_out import NOW, OWN, RAW, SUPPORT, owed

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
Outcome = Receipt | BaseException


@asynccontextmanager
async def sender(
    relay: PlainRelay, write: Callable[[Mail], bytes] = lambda mail: RAW, **settings: Any
) -> AsyncIterator[Relay]:
    chosen = {"tls": False, "connections": 1, **settings}
    made = Relay(
        "support", RelaySettings(host="127.0.0.1", port=relay.port, lmtp=relay.lmtp, **chosen),
        mailbox=SUPPORT, own=OWN, write=write, now=lambda: NOW,
    )  # fmt: skip
    try:
        yield made
    finally:
        await made.stop()


def who(number: int) -> str:
    return f"customer-{number}@example.org"


async def sent(out: Relay, count: int, first: int = 0) -> Sequence[Outcome]:
    """What became of so many mails that are given at the same moment."""
    sending = (out.send(owed(who(number), key=f"{number}:reply")) for number in range(first, first + count))
    return await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), 10)


def assert_true_fates(relay: PlainRelay, outcomes: Sequence[Outcome]) -> None:
    """Accepted is with the relay once, uncertain at most once, anything else not at all."""
    for number, outcome in enumerate(outcomes):
        times = relay.times_taken()[who(number)]
        if isinstance(outcome, Receipt):
            assert times == 1, number
        elif isinstance(outcome, UncertainDeliveryError):
            assert times <= 1, number
        else:
            assert isinstance(outcome, TemporaryDeliveryError | PermanentDeliveryError), outcome
            assert times == 0, number


async def test_an_envelope_is_one_write_and_the_next_one_comes_with_the_content() -> None:
    async with running(PlainRelay()) as relay, sender(relay) as out:
        outcomes = await sent(out, 3)
        talk = [piece for piece in relay.pieces if not piece.startswith((b"EHLO", b"QUIT"))]
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True] * 3
    assert [piece.count(b"DATA\r\n") for piece in talk] == [1, 1, 1, 0]
    assert [piece.count(b"\r\n.\r\n") for piece in talk] == [0, 1, 1, 1]
    assert relay.contents == [RAW.replace(b"\r\n.", b"\r\n..")] * 3


async def test_a_relay_that_does_not_offer_it_is_told_one_thing_at_a_time() -> None:
    async with running(PlainRelay(pipelining=False)) as relay, sender(relay) as out:
        outcomes = await sent(out, 3)
        commands = [piece for piece in relay.pieces if not piece.startswith(b"From:")]
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True] * 3
    assert [piece.count(b"\r\n") for piece in commands] == [1] * len(commands)


@pytest.mark.parametrize("lmtp", [False, True])
@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("cut_at", range(1, 22))
async def test_a_line_cut_at_any_reply_makes_one_mail_uncertain_at_most(
    cut_at: int, pipelining: bool, lmtp: bool
) -> None:
    """Only the one whose content was on its way; those written ahead of their turn go over another line."""
    relay = PlainRelay(cut_at=cut_at, pipelining=pipelining, lmtp=lmtp)
    async with running(relay), sender(relay) as out:
        outcomes = await sent(out, 5)
        assert_true_fates(relay, outcomes)
        wrong = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
        at_content = cut_at <= 20 and cut_at % 4 == 0
        before_it = cut_at < 4
        assert [type(outcome) for outcome in wrong] == (
            [UncertainDeliveryError] * at_content + [TemporaryDeliveryError] * before_it
        )
        assert relay.lines == 1 + (cut_at < 20)


ODDITIES = {
    "MAIL": (CUT, "421 4.3.2 going down", "451 4.3.0 not now", "550 5.7.1 not you", "250 ok\r\n250 ok", "what?"),
    "RCPT": (
        CUT,
        "421 4.3.2 going down",
        "450 4.2.1 not now",
        "550 5.1.1 nobody",
        "250-so\r\n250 ok",
        "250 ok\r\n550 no",
    ),
    "DATA": (CUT, "421 4.3.2 going down", "451 4.3.0 not now", "554 5.5.1 never", "250 what for?", "354-and\r\n354 go"),
    ".": (CUT, "421 4.3.2 going down", "452 4.3.1 full", "554 5.6.0 never", "250 ok\r\n250 ok", "what?", "354 go on"),
    "RSET": (CUT, "421 4.3.2 going down", "451 4.3.0 not now"),
}
PLANS = st.dictionaries(st.integers(0, 60), st.integers(0, 6), max_size=6)


@settings(max_examples=400 if SOAK else 40, deadline=None)
@given(plan=PLANS, pipelining=st.booleans(), lmtp=st.booleans(), connections=st.integers(1, 3))
def test_whatever_a_relay_says_each_mail_has_the_fate_it_really_had(
    plan: dict[int, int], pipelining: bool, lmtp: bool, connections: int
) -> None:
    """Replies of every kind at any step, too many of them, and lines that end, several in one run."""
    steps = count()

    def says(command: str) -> str | None:
        odd, said = plan.get(next(steps)), ODDITIES.get(command[:4], ())
        return said[odd % len(said)] if odd is not None and said else None

    async def play() -> None:
        relay = PlainRelay(says=says, pipelining=pipelining, lmtp=lmtp)
        async with running(relay), sender(relay, connections=connections, command_timeout=1, data_timeout=1) as out:
            assert_true_fates(relay, await sent(out, 12))
            plan.clear()
            whole = await sent(out, 3, first=12)
        assert [isinstance(outcome, Receipt) for outcome in whole] == [True] * 3

    asyncio.run(play())


async def test_a_relay_that_takes_two_mails_a_line_gets_all_of_them_at_once() -> None:
    """421 in between is no refusal of the mail: it goes over the next line without waiting."""
    heard = 0

    def enough(command: str) -> str | None:
        nonlocal heard
        heard += command.startswith("MAIL")
        return "421 4.7.0 enough mails on this line" if command.startswith("MAIL") and heard % 3 == 0 else None

    async with running(PlainRelay(says=enough)) as relay, sender(relay) as out:
        outcomes = await sent(out, 7)
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True] * 7
    assert (relay.lines, set(relay.times_taken().values())) == (4, {1})


async def test_a_relay_that_allows_two_lines_gets_all_mails_over_two() -> None:
    async with running(PlainRelay(most_lines=2)) as relay, sender(relay, connections=4) as out:
        await sent(out, 1)
        outcomes = await sent(out, 12, first=1)
        tried = relay.lines
        again = await sent(out, 12, first=13)
    assert [isinstance(outcome, Receipt) for outcome in (*outcomes, *again)] == [True] * 24
    assert set(relay.times_taken().values()) == {1}
    assert relay.lines == tried


async def test_a_relay_that_starts_again_is_sent_to_over_new_lines() -> None:
    async with running(PlainRelay()) as relay, sender(relay, connections=3) as out:
        await sent(out, 3)
        relay.drop_all()
        outcomes = await sent(out, 6, first=3)
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True] * 6
    assert relay.times_taken() == {who(number): 1 for number in range(9)}


@pytest.mark.parametrize("pipelining", [False, True])
async def test_after_a_refused_mail_the_line_goes_on_with_the_next(pipelining: bool) -> None:
    def refuses(command: str) -> str | None:
        return "550 5.1.1 no such user" if command == f"RCPT TO:<{who(1)}>" else None

    async with running(PlainRelay(says=refuses, pipelining=pipelining)) as relay, sender(relay) as out:
        outcomes = await sent(out, 4)
        told = b"".join(relay.pieces)
    assert isinstance(outcomes[1], PermanentDeliveryError)
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 3
    assert relay.lines == 1
    assert told.count(b"RSET\r\n") == 1


async def test_a_relay_that_wants_the_mail_of_nobody_never_gets_its_end() -> None:
    """It would take an empty mail for one; the line is closed before the dot."""

    def wants_it(command: str) -> str | None:
        return {"RCPT": "550 5.1.1 no such user", "DATA": "354 go on"}.get(command[:4])

    async with running(PlainRelay(says=wants_it)) as relay, sender(relay) as out:
        with pytest.raises(PermanentDeliveryError, match="no such user"):
            await out.send(owed(who(1)))
        await out.stop()
    assert (relay.taken, relay.begun) == ([], [])


async def test_what_a_relay_says_before_the_content_is_no_answer_to_it() -> None:
    """Nothing is handed over to a relay that is a reply ahead."""

    def hasty(command: str) -> str | None:
        return "354 go on\r\n250 2.0.0 taken" if command == "DATA" else None

    async with running(PlainRelay(says=hasty)) as relay, sender(relay) as out:
        with pytest.raises(TemporaryDeliveryError, match="more than it was asked"):
            await out.send(owed(who(1)))
        await out.stop()
    assert (relay.taken, relay.begun) == ([], [])


@pytest.mark.parametrize("said", ["250 what for?", "334 go on", "251 elsewhere"])
@pytest.mark.parametrize("pipelining", [False, True])
async def test_only_one_reply_asks_for_the_content(said: str, pipelining: bool) -> None:
    """Else a reply too many to the envelope would have the mail read out as commands, and taken as nothing."""
    once = iter([said])

    def says(command: str) -> str | None:
        return next(once, None) if command == "DATA" else None

    async with running(PlainRelay(says=says, pipelining=pipelining)) as relay, sender(relay) as out:
        with pytest.raises(TemporaryDeliveryError, match=said.rstrip("?")):
            await out.send(owed(who(1)))
        assert isinstance((await sent(out, 1))[0], Receipt)
    assert (relay.times_taken(), relay.contents) == ({who(0): 1}, [RAW.replace(b"\r\n.", b"\r\n..")])


async def test_a_relay_that_answers_twice_is_not_believed_the_second_time() -> None:
    """The answer too many to one mail is never taken for that to the next."""
    answers = iter(["250 2.0.0 taken\r\n250 2.0.0 taken"])
    async with running(PlainRelay(says=lambda command: next(answers, None) if command == "." else None)) as relay:
        async with sender(relay) as out:
            outcomes = await sent(out, 4)
        assert_true_fates(relay, outcomes)
        assert isinstance(outcomes[0], Receipt)
        assert relay.lines == 2


async def test_a_relay_that_says_goodbye_to_an_idle_line_is_not_used_on_it() -> None:
    async with running(PlainRelay()) as relay, sender(relay) as out:
        await sent(out, 1)
        for line in relay.standing:
            line.transport.write(b"421 4.4.2 idle for too long\r\n")
        outcomes = await sent(out, 2)
    assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True] * 2
    assert relay.lines == 2


async def test_a_mail_too_large_holds_up_no_other() -> None:
    async with running(PlainRelay(size=1_000)) as relay, sender(relay, write=lambda mail: RAW * len(mail.text)) as out:
        large = owed(who(1), text="x" * 100)
        mails = (owed(who(0)), large, owed(who(2)), owed(who(3)))
        outcomes = await asyncio.gather(*map(out.send, mails), return_exceptions=True)
        with pytest.raises(PermanentDeliveryError, match="too large"):
            await out.send(large)
        outcomes += await asyncio.gather(out.send(owed(who(4))))
    assert [type(outcome) for outcome in outcomes] == [Receipt, PermanentDeliveryError, Receipt, Receipt, Receipt]
    assert relay.lines == 1


async def test_a_mail_that_nobody_waits_for_any_more_is_not_sent() -> None:
    async with running(PlainRelay()) as relay, sender(relay) as out:
        await sent(out, 1)
        tasks = [asyncio.create_task(out.send(owed(who(number)))) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks)
    assert relay.times_taken() == {who(0): 1, who(1): 1, who(3): 1}


async def test_an_address_cannot_smuggle_in_a_command() -> None:
    async with running(PlainRelay()) as relay, sender(relay) as out:
        with pytest.raises(PermanentDeliveryError, match="control character"):
            await out.send(owed(who(1), return_path="x@example.com>\r\nRCPT TO:<spy@example.net"))
        assert isinstance((await sent(out, 1))[0], Receipt)
    assert relay.times_taken() == {who(0): 1}


class Narrow(asyncio.Transport):
    """A line through which a mail creeps; each look at what is still to be written finds the next of ``left``."""

    def __init__(self, *left: int) -> None:
        super().__init__()
        self.left = list(left)
        self.aborted = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """The replies are said by the test."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """It goes somewhere."""

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0)

    def abort(self) -> None:
        self.aborted = True


class NoOthers:
    """No other mail waits."""

    def next_mail(self) -> Handed | None:
        return None

    def idle(self, line: Line) -> None:
        """Nothing to give it."""

    def ended(self, line: Line, left: Sequence[Handed]) -> None:
        assert not left


async def test_a_mail_that_creeps_is_given_up_only_when_it_stands_still() -> None:
    """Twenty megabytes over a slow line take longer than any reply may."""
    transport = Narrow(400, 300, 200, 100, 100)
    line = Line(
        Opened(transport, {"pipelining": ""}, None),
        RelaySettings(host="relay.test", port=25, data_timeout=0.01),
        NoOthers(),
    )
    mail = Handed("support@example.com", (who(1),), RAW, asyncio.get_running_loop().create_future())
    assert line.take(mail)
    line.data_received(b"250 fine\r\n250 fine\r\n354 go on\r\n")
    with pytest.raises(UncertainDeliveryError, match="the relay says nothing"):
        await asyncio.wait_for(mail.end, 10)
    assert (transport.left, transport.aborted) == ([], True)
