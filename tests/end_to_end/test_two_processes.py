"""Two processes on one PostgreSQL are one desk to everybody who writes to it, whichever of them is killed."""

from __future__ import annotations

import re
import smtplib
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.pair import Pair, a_pair, free_port, get, link_in, send
from tests.end_to_end.parts import OURS, letter, until

pytestmark = pytest.mark.timeout(180)


def test_another_reads_the_mailbox_when_the_reader_is_killed(tmp_path: Path, postgres_url: str) -> None:
    with a_pair(tmp_path, postgres_url, imap=True) as desk:
        assert desk.imap is not None
        reader, other = desk.who("imap:support")
        for number in range(3):
            desk.imap.deliver(_mail(f"early{number}"))
        until(lambda: len(desk.to_customers()) == 3, "three acknowledgements")
        desk.imap.deliver(*(_mail(f"late{number}") for number in range(10)))
        reader.kill()
        desk.imap.deliver(_mail("last"))
        until(lambda: "imap:support" in desk.roles_of(other), "the other to read", within_s=10)
        until(lambda: len(desk.tickets()) == 14, "every mail to be a ticket", within_s=30)
        assert [ticket.number for ticket in desk.tickets()] == list(range(1, 15))
        until(lambda: len({who for who, _ in desk.to_customers()}) >= 13, "acknowledgements")
        assert len(desk.to_customers()) == len(set(desk.to_customers())), "nobody was told twice"


def test_what_is_said_in_chat_is_heard_by_any_and_leaves_once_and_in_order(tmp_path: Path, postgres_url: str) -> None:
    with a_pair(tmp_path, postgres_url, slack=True) as desk:
        assert desk.slack is not None
        leader, other = desk.who("chat")
        assert send(other, "kim") == "250"
        channel = desk.slack.channel("support")["id"]
        until(lambda: desk.slack and desk.slack.messages(channel), "a card", within_s=20)
        (card,) = desk.slack.messages(channel)
        for number in range(6):
            desk.slack.post(desk.ana, channel, f"answer{number}", card["ts"])
        until(lambda: len(_answers(desk)) == 6, "six answers by mail")
        assert _answers(desk) == [f"answer{number}" for number in range(6)]

        # What it was sending would wait for the end of its lease, and all that comes after it in that thread.
        until(lambda: all(entry.state.value == "accepted" for entry in desk.outbox()), "everything to be settled")
        leader.kill()
        until(lambda: "chat" in desk.roles_of(other), "the other to lead in chat", within_s=10)
        desk.slack.post(desk.ana, channel, "answer6", card["ts"])
        assert send(other, "lee") == "250"
        until(lambda: _answers(desk)[-1:] == ["answer6"], "an answer by mail")
        until(lambda: desk.slack and len(desk.slack.messages(channel)) == 2, "a card of the new ticket")
        said = [str(one.get("text")) for one in desk.slack.messages(channel, card["ts"])]
        assert len(said) == len(set(said)), "nothing was posted twice"


def test_links_and_the_console_of_one_are_good_at_the_other(tmp_path: Path, postgres_url: str) -> None:
    with a_pair(tmp_path, postgres_url, web="http://127.0.0.1") as desk:
        assert send(desk.one, "kim") == "250"
        until(desk.to_customers, "an acknowledgement")
        done = desk.two.command(
            "ticket", "resolve", "1", "--as", "ana", "--text", "New toner.", "--root-cause", "Empty."
        )
        assert done.code == 0, done.err
        asked = until(lambda: [words for words in desk.words_to("kim") if "New toner." in words], "the question")
        for process in desk:
            status, page = get(process, link_in(asked[0]))
            assert status == 200, page


def test_a_process_that_is_stopped_under_load_loses_and_doubles_nothing(tmp_path: Path, postgres_url: str) -> None:
    with a_pair(tmp_path, postgres_url) as desk:
        refused: list[str] = []

        def write(start: int) -> None:
            for number in range(start, start + 25):
                process = desk.one if number % 2 else desk.two
                for place in (process, desk.two):
                    try:
                        if send(place, f"customer{number}") == "250":
                            break
                    except OSError:
                        refused.append(str(number))

        writers = [threading.Thread(target=write, args=(start,)) for start in (0, 25, 50, 75)]
        for writer in writers:
            writer.start()
        until(lambda: len(desk.tickets()) > 20, "mails to come in")
        assert desk.one.stop() == 0
        for writer in writers:
            writer.join()
        until(lambda: len(desk.to_customers()) >= 100, "every acknowledgement", within_s=60)
        assert len(desk.tickets()) == 100
        assert len(set(desk.to_customers())) == len(desk.to_customers()) == 100
        until(lambda: {"rounds", "digests"} <= desk.roles_of(desk.two), "the roles to pass on", within_s=5)


def _answers(desk: Pair) -> list[str]:
    """What Ana answered Kim, in the order the relay took it; each as its first and not as somebody quotes it."""
    found = (re.findall(r"^answer\d", words, re.MULTILINE) for words in desk.words_to("kim"))
    return [words[0] for words in found if words]


def _mail(name: str) -> bytes:
    return letter(f"<{name}@customer.example.net>", f"About {name}", "Help.", message_id=f"<{name}@x>", to=OURS)


def test_processes_at_one_address_are_restarted_one_after_the_other(tmp_path: Path, postgres_url: str) -> None:
    """A rolling restart: senders that meet the one that stops try again, as mail servers do; nothing is missed."""
    with a_pair(tmp_path, postgres_url, listen=f"127.0.0.1:{free_port()}") as desk:
        assert desk.one.listening["smtp"] == desk.two.listening["smtp"]
        done = threading.Event()
        sent: list[int] = []

        def write() -> None:
            while not done.is_set():
                number = len(sent)
                sent.append(number)
                until(partial(_is_taken, desk, f"customer{number}"), f"mail {number} to be taken", every_s=0.1)

        writer = threading.Thread(target=write)
        writer.start()
        for process in desk:
            many = len(sent)
            until(partial(_has_grown, sent, many + 10), "mails to come in")
            assert process.stop() == 0
            process.start()
        done.set()
        writer.join()
        until(lambda: len(desk.to_customers()) >= len(sent), "every acknowledgement", within_s=60)
        assert len(desk.tickets()) == len(sent)
        assert len(set(desk.to_customers())) == len(desk.to_customers()) == len(sent)


def _has_grown(sent: list[int], to: int) -> bool:
    return len(sent) >= to


def _is_taken(desk: Pair, name: str) -> bool:
    try:
        return send(desk.one, name) == "250"
    except (OSError, smtplib.SMTPException):
        return False
