"""The whole story of a request over real parts: IMAP server, relay, Slack and desk, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.end_to_end.dovecot import a_mailbox
from tests.end_to_end.neighbours import slack_process
from tests.end_to_end.parts import OURS, DeskProcess, configuration, letter, until, words_of
from tests.end_to_end.relay import RelayProcess
from tests.loopback_slack import RemoteSlack

KIM = "kim@customer.example.net"
FIRST = "<printer-1@customer.example.net>"


@dataclass
class Story:
    """The desk and all who talk to it."""

    imap: ImapServer
    relay: RelayProcess
    slack: RemoteSlack
    desk: DeskProcess
    channel: str
    ana: str

    def mail_to_kim(self, containing: str) -> EmailMessage:
        """The mail at the relay with these words for the customer."""

        def found() -> EmailMessage | None:
            mails = (mail for mail in self.relay.mails() if mail["To"] == KIM)
            return next((mail for mail in mails if containing in words_of(mail)), None)

        mail = until(found, f"a mail that says {containing!r}")
        assert mail is not None
        return mail

    def kim_answers(self, to: EmailMessage, text: str, message_id: str) -> None:
        """The customer presses reply in their mail program."""
        self.imap.deliver(
            letter(
                f"Kim <{KIM}>", str(to["Subject"]), text, message_id=message_id, in_reply_to=str(to["Message-ID"]),
                to=str(to["Reply-To"] or OURS),
            )
        )  # fmt: skip

    def card(self) -> dict[str, Any]:
        """The card of the only ticket."""

        def found() -> dict[str, Any] | None:
            return next((said for said in self.slack.messages(self.channel) if said.get("blocks")), None)

        card = until(found, "a card in Slack")
        assert card is not None
        return card

    def told_in_thread(self, words: str) -> dict[str, Any]:
        """A message in the card's thread with these words."""

        def found() -> dict[str, Any] | None:
            thread = self.slack.messages(self.channel, self.card()["ts"])
            return next((said for said in thread if words in str(said)), None)

        said = until(found, f"{words!r} in the thread")
        assert said is not None
        return said

    def until_ticket(self, **facts: object) -> dict[str, Any]:
        """The ticket once it is so."""

        def found() -> dict[str, Any] | None:
            line = self.desk.ask("ticket show", number=1)[0]
            return line if all(line.get(name) == value for name, value in facts.items()) else None

        ticket = until(found, f"the ticket to be {facts}")
        assert ticket is not None
        return ticket


@contextmanager
def a_story(folder: Path) -> Iterator[Story]:
    """All processes up and connected."""
    imap = a_mailbox()
    imap.start()
    try:
        with RelayProcess(folder / "relay") as relay, slack_process() as slack:
            channel, ana = slack.channel("support")["id"], slack.user("ana")["id"]
            config = configuration(
                mail={"smtp_in": None, "imap": _mailbox(imap), "smtp_out": relay.way_out},
                channels={"slack": _chat(channel)},
                staff=[
                    {"id": "ana", "name": "Ana Lopez", "email": "ana@example.com", "role": "agent", "slack": ana},
                    {"id": "tom", "name": "Tom Becker", "email": "tom@example.com", "role": "manager"},
                ],
            )
            env = {"SLACK_API_URL": slack.api_url, "BOT": slack.bot_token, "APP": slack.app_token, "IMAP": PASSWORD}
            with DeskProcess(folder / "desk", config, env=env) as desk:
                yield Story(imap, relay, slack, desk.start(), channel, ana)
    finally:
        imap.stop()


def _mailbox(imap: ImapServer) -> dict[str, Any]:
    return {
        "host": "127.0.0.1", "port": imap.port, "tls": False, "username": USER, "password": {"env": "IMAP"},
        "first_run": "all",
    }  # fmt: skip


def _chat(channel: str) -> dict[str, Any]:
    return {"mode": "socket", "channel": channel, "bot_token": {"env": "BOT"}, "app_token": {"env": "APP"}}


@pytest.mark.timeout(180)
def test_a_request_makes_its_whole_way_from_mail_to_digest(tmp_path: Path) -> None:
    """Mail, acknowledgement, card, reply in the thread, resolution, the customer's yes, survey, score, digest."""
    with a_story(tmp_path) as story:
        acknowledged(story)
        answer = answered_in_the_thread(story)
        resolved_by_button(story)
        closed_by_the_customers_yes(story, answer)
        scored(story)
        shown_in_the_digest(story)
        assert story.desk.stop() == 0
        names = [mail["Message-ID"] for mail in story.relay.mails()]
        assert len(names) == len(set(names)), "no mail was sent twice"


def acknowledged(story: Story) -> None:
    """The customer's mail is acknowledged in their thread, and a card stands in the channel."""
    story.imap.deliver(
        letter(f"Kim <{KIM}>", "The printer is on fire", "Please help, there is smoke.", message_id=FIRST)
    )
    mail = story.mail_to_kim("has the number #1")
    assert (mail["In-Reply-To"], mail["References"]) == (FIRST, FIRST)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert "The printer is on fire" in str(story.card()["blocks"])
    with story.imap.client() as mailbox:
        seen = until(lambda: mailbox.search(["SEEN"]), "the mail to be marked as taken")
    assert len(seen) == 1


def answered_in_the_thread(story: Story) -> EmailMessage:
    """What Ana writes in the thread is mailed once the undo hold is over; a note stays inside."""
    card = story.card()
    story.slack.post(story.ana, story.channel, "🔒 Kim has a support contract.", card["ts"])
    story.slack.post(story.ana, story.channel, "Pull the plug and step back.", card["ts"])
    mail = story.mail_to_kim("Pull the plug and step back.")
    assert mail["In-Reply-To"] == FIRST
    assert str(mail["References"]).split()[0] == FIRST
    assert mail["Auto-Submitted"] is None
    assert not any("support contract" in words_of(mail) for mail in story.relay.mails())
    assert story.until_ticket(status="open")["first_response_at"]
    return mail


def resolved_by_button(story: Story) -> None:
    """Ana presses the card's button and fills in the form; the customer is asked whether it is solved."""
    story.slack.click(story.ana, story.channel, story.card()["ts"], "deskbell:open:resolve")
    until(lambda: story.slack.modals(story.ana), "the form to open")
    story.slack.submit(story.ana, {"text": "Replaced the power supply.", "root_cause": "A short circuit."})
    ticket = story.until_ticket(status="resolved")
    assert ticket["resolution"] == "Replaced the power supply."


def closed_by_the_customers_yes(story: Story, answer: EmailMessage) -> None:
    """The customer's yes closes the ticket; the survey follows."""
    asked = story.mail_to_kim("Replaced the power supply.")
    assert answer["Message-ID"] in str(asked["References"])
    story.kim_answers(asked, "Yes, it works now. Thank you!", "<printer-2@customer.example.net>")
    story.until_ticket(status="closed")
    assert story.told_in_thread("it works now")


def scored(story: Story) -> None:
    """The customer answers the survey with a number."""
    survey = story.mail_to_kim("from 1")
    story.kim_answers(survey, "5", "<printer-3@customer.example.net>")
    story.until_ticket(score=5)
    shown = story.desk.command("ticket", "show", "1", "--json")
    assert shown.code == 0, shown.err
    assert (shown.lines[0]["status"], shown.lines[0]["score"]) == ("closed", 5)


def shown_in_the_digest(story: Story) -> None:
    """The daily digest of the day after counts the ticket, its answer and its score."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=8).isoformat()
    digest = story.desk.command("digest", "--period", "day", "--at", tomorrow, "--json")
    assert digest.code == 0, digest.err
    figures = digest.lines[0]["figures"]
    assert figures["volume"] == {"opened": 1, "resolved": 1, "closed": 1}
    assert figures["csat"] == {"n": 1, "mean": 5.0, "low": []}
    assert figures["first_response"]["n"] == 1
    assert "5.0 of 5" in digest.lines[0]["text"]
