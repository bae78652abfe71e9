"""The mail that the desk sends to itself goes round, is no ticket, and raises an alarm when it does not come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.config import load_config
from bot.settings import MailSettings
from bot.watching import Watched, Watcher
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from rules.effects import Mail, OutboxEntry, OutboxState
from rules.model import Authentication, Decision, Heartbeat, Message
from rules.policy import ProbePlan
from rules.probing import mark, on_round, read
from tests.builders import a_message
from tests.stage import MONDAY, HandClock, Stage, a_policy

EVERY = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


class Desk:
    """A stage that mails itself each quarter of an hour."""

    def __init__(self) -> None:
        policy = replace(a_policy(), probe=ProbePlan(mailbox="support", every=EVERY))
        self.stage = Stage(policy=policy, clock=HandClock())
        box = MailSettings.model_validate({"address": "support@example.com"})
        watched = Watched(boxes=(box,), folder=Path(), free_mb=lambda folder: 10_000)
        self.watcher = Watcher(self.stage.desk, watched, self.stage.clock)

    def rounds(self, length: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
        """Time passes, with a round each minute."""
        until = self.stage.clock.at + length
        while self.stage.clock.at < until:
            self.stage.clock.at += step
            self.watcher.look(None)
            self.stage.deliver()

    def probes(self) -> list[OutboxEntry]:
        return [owed for owed in self.stage.sent if isinstance(owed.content, Mail) and owed.content.probe]

    def back(self, entry: OutboxEntry, **changes: object) -> Message:
        """The probe as our own mail server hands it over again, after all of writing and reading."""
        box = self.stage.policy.mailboxes[0]
        mail = entry.content
        assert isinstance(mail, Mail)
        own = OwnAddresses((box,))
        raw = compose(mail, mailbox=box, own=own, now=self.stage.clock.at, files=lambda file: b"")
        message = parse(
            raw, received_at=self.stage.clock.at, channel="mail:support", recipients=(box.address,),
            own_addresses=own.all,
        )  # fmt: skip
        return replace(message, **changes)  # type: ignore[arg-type] # a test's changes

    def beat(self) -> Heartbeat:
        with self.stage.store.read() as store:
            (found,) = store.heartbeats()
        return found

    def alarms(self) -> list[str]:
        with self.stage.store.read() as store:
            return [alarm.key for alarm in store.alarms()]


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.rounds(SECOND, SECOND)
    return made


def test_a_probe_goes_round_and_leaves_no_trace_but_how_long_it_took(desk: Desk) -> None:
    """No ticket, no customer, no answer, no line in chat."""
    (probe,) = desk.probes()
    before = len(desk.stage.sent)
    desk.stage.clock.at += 4 * SECOND
    assert desk.stage.desk.receive(desk.back(probe)) == "probe"
    desk.stage.deliver()
    assert desk.beat() == Heartbeat(
        mailbox="support", back_at=MONDAY + 5 * SECOND, took=4 * SECOND, pending=()
    )  # fmt: skip
    assert desk.stage.count() == 0
    assert len(desk.stage.sent) == before
    with desk.stage.store.read() as store:
        assert store.customer("support@example.com") is None


def test_one_is_sent_each_period_and_no_more(desk: Desk) -> None:
    """Whatever the rounds; each has a name of its own."""
    for _ in range(4):
        desk.stage.desk.receive(desk.back(desk.probes()[-1]))
        desk.rounds(EVERY)
    assert len(desk.probes()) == 5
    assert len({probe.key for probe in desk.probes()}) == 5


def test_a_probe_that_is_not_back_within_two_periods_is_an_alarm_until_one_is(desk: Desk) -> None:
    """The relay takes mail and loses it, say, or a filter eats what comes in."""
    desk.rounds(2 * EVERY - timedelta(minutes=1))
    assert desk.alarms() == []
    desk.rounds(timedelta(minutes=1))
    assert desk.alarms() == ["probe:support"]
    assert "has not come back for 30 min" in desk.stage.posts()[-1].text
    desk.rounds(EVERY)
    assert desk.stage.desk.receive(desk.back(desk.probes()[-1])) == "probe"
    desk.rounds(timedelta(minutes=1))
    assert desk.alarms() == []
    assert desk.stage.posts()[-1].text.startswith("Recovered after")


def test_a_desk_that_was_down_waits_for_fresh_probes_before_it_complains(desk: Desk) -> None:
    """While it was down nobody could take the old ones in."""
    desk.stage.clock.at += timedelta(hours=5)
    desk.rounds(2 * EVERY - timedelta(minutes=2))
    assert desk.alarms() == []


def test_a_probe_is_taken_once(desk: Desk) -> None:
    """Copied with another text it is an ordinary mail, so nobody can make a mail disappear by its mark."""
    (probe,) = desk.probes()
    good = desk.back(probe)
    assert desk.stage.desk.receive(good) == "probe"
    copied = a_message(key="mail:support:copied", probe=good.probe, message_id="<copy@x>")
    assert desk.stage.desk.receive(copied) == "opened"
    assert "not one that is awaited" in desk.stage.reasons(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": a_message().sender},
        {"channel": "mail:sales"},
        {"authentication": Authentication(host="mx.example.com", dmarc="fail")},
        {"probe": "support.20260302T020001.aaaaaaaaaaaaaaaa"},
        {"probe": "support.20260302T020001"},
        {"probe": "."},
        {"probe": "é\udc80"},
        {"probe": mark("support", MONDAY + timedelta(days=1), b"0123456789abcdef0123456789abcdef")},
    ],
    ids=["a stranger", "another mailbox", "DMARC fail", "forged", "unsigned", "nothing", "odd bytes", "not awaited"],
)
def test_what_only_looks_like_a_probe_is_an_ordinary_mail(desk: Desk, changes: dict[str, object]) -> None:
    """Signed by us, awaited, from our address, into its mailbox: or it is treated as if the header were not there."""
    (probe,) = desk.probes()
    outcome = desk.stage.desk.receive(desk.back(probe, **changes))
    assert outcome == ("automatic:own" if "sender" in changes else "own")
    assert desk.beat().pending == (MONDAY + SECOND,), "the true one is still awaited"


def test_a_late_probe_proves_nothing(desk: Desk) -> None:
    """After two periods it is taken as any mail of our own."""
    (probe,) = desk.probes()
    desk.stage.clock.at += 2 * EVERY + SECOND
    assert desk.stage.desk.receive(desk.back(probe)) == "own"
    assert desk.beat().back_at is None


def test_a_probe_that_never_left_is_taken_back_when_the_next_one_goes() -> None:
    """A relay that is down for a day must not be given a hundred probes in the evening."""
    desk = Desk()
    store, deliver = desk.stage.store, desk.stage.deliver
    desk.stage.deliver = lambda: None  # type: ignore[method-assign] # nothing leaves
    desk.rounds(4 * EVERY)
    desk.stage.deliver = deliver  # type: ignore[method-assign] # as it was
    assert store.claim(desk.stage.clock.at)[-1].key.startswith("probe:support:")
    with store.read() as reader:
        probes = [owed for owed in reader.outbox() if owed.key.startswith("probe:")]
    assert [owed.state for owed in probes].count(OutboxState.WITHDRAWN) == len(probes) - 1


def test_a_mailbox_that_is_not_there_yet_is_sent_none() -> None:
    """The configuration was read again and names a new one; its doors open with the next start."""
    policy = replace(a_policy(), probe=ProbePlan(mailbox="sales", every=EVERY))
    assert on_round(None, policy, MONDAY) == Decision(outcome="not_due")


def test_a_mark_is_read_only_with_the_secret_it_was_made_with() -> None:
    """The moment stands in it, to the second."""
    made = mark("support", MONDAY, b"secret")
    assert read(made, b"secret") == MONDAY
    assert read(made, b"other") is None
    assert read(made.replace("20260302", "20260303"), b"secret") is None


def test_the_shipped_configuration_sends_none_and_shows_how(tmp_path: Path) -> None:
    """Written out as the comment has it, it is a plan."""
    shipped = Path(__file__).parents[2] / "config.yaml"
    assert load_config(shipped).policy.probe is None
    text = shipped.read_text(encoding="utf-8").replace("# probe:", "probe:")
    changed = tmp_path / "config.yaml"
    changed.write_text(text, encoding="utf-8")
    assert load_config(changed).policy.probe == ProbePlan(mailbox="support", every=EVERY)


def test_the_time_a_round_trip_took_survives_a_clock_that_was_set_back(desk: Desk) -> None:
    """It is never less than nothing."""
    (probe,) = desk.probes()
    message = desk.back(probe)
    desk.stage.clock.at = datetime(2026, 3, 2, 1, 59, tzinfo=MONDAY.tzinfo)
    assert desk.stage.desk.receive(message) == "probe"
    assert desk.beat().took == timedelta()
