"""A desk that is killed while staff write in Slack mails every reply once.

What happened is committed before Slack is told that it was heard, so Slack sends the rest again.
"""

from __future__ import annotations

import os
import random
import smtplib
from collections import Counter
from typing import Any

import pytest

from rules.model import EntryKind
from tests.crashes.places import Place
from tests.crashes.written import Written
from tests.end_to_end.neighbours import slack_process
from tests.end_to_end.parts import OURS, DeskProcess, letter, mails_in, until, words_of
from tests.loopback_slack import RemoteSlack

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
KILLS = 30 if SOAK else 4
A_KILL = 3
"""Replies that staff write before each kill."""


@pytest.mark.timeout(900 if SOAK else 240)
def test_every_reply_written_in_slack_is_mailed_once_whenever_the_desk_is_killed(place: Place) -> None:
    """Each message is one reply on the ticket and one mail; the ticket has one card."""
    chance = random.Random(20260323)
    written: list[str] = []
    with slack_process() as slack:
        slack.retry_after([2.0, 4.0, 8.0])
        slack.limit_rates(False)
        ana, channel = slack.user("ana")["id"], slack.channel("support")["id"]
        env = {"SLACK_API_URL": slack.api_url, "BOT": slack.bot_token, "APP": slack.app_token}
        with place.desk(env, **a_desk_on(channel, ana)) as desk:
            desk.start()
            written_down = place.written()
            card = the_card(desk, slack, channel)
            for _ in range(KILLS):
                texts = [f"Answer {len(written) + number} of Ana." for number in range(1, A_KILL + 1)]
                for text in texts:
                    slack.post(ana, channel, text, card)
                until_taken(written_down, len(written) + chance.randint(0, A_KILL - 1))
                desk.kill()
                written_down.read_on()
                written += texts
                desk.start()
                until_taken(written_down, len(written))
            place.settle(written_down)
            assert desk.stop() == 0
            with place.kept() as store, store.read() as look:
                said = Counter(entry.text for entry in look.entries(1) if entry.kind is EntryKind.REPLIED)
            assert said == Counter(written)
            assert Counter(replies_mailed(desk)) == Counter(written)
            cards = [said for said in slack.messages(channel) if said.get("blocks")]
            assert len(cards) == 1


def a_desk_on(channel: str, ana: str) -> dict[str, Any]:
    """A desk whose staff work in this Slack channel."""
    chat = {"mode": "socket", "channel": channel, "bot_token": {"env": "BOT"}, "app_token": {"env": "APP"}}
    staff = [{"id": "ana", "name": "Ana Lopez", "email": "ana@example.com", "role": "agent", "slack": ana}]
    return {"channels": {"slack": chat}, "habits": {"undo_hold": "0s"}, "staff": staff}


def the_card(desk: DeskProcess, slack: RemoteSlack, channel: str) -> str:
    """A customer writes; the card that comes of it."""
    raw = letter("kim@example.org", "The printer is on fire", "Help!", message_id="<fire@example.org>")
    with smtplib.SMTP(*desk.smtp(), timeout=20) as smtp:
        assert smtp.sendmail("kim@example.org", [OURS], raw) == {}
    cards = until(lambda: [said for said in slack.messages(channel) if said.get("blocks")], "the card")
    until(lambda: not desk.outbox(everything=False), "the card to be written down", every_s=0.1)
    return str(cards[0]["ts"])


def until_taken(written: Written, replies: int) -> None:
    """Return when so many replies are in the store."""

    def taken() -> bool:
        written.read_on()
        return sum(1 for key in written.owed if ":reply:" in key) >= replies

    until(taken, "replies to be taken", every_s=0.005)


def replies_mailed(desk: DeskProcess) -> list[str]:
    """The first line of every reply in the Maildir."""
    texts = [words_of(mail) for mail in mails_in(desk.maildir) if not mail["Auto-Submitted"]]
    return [next(line for line in text.splitlines() if line.startswith("Answer ")) for text in texts]
