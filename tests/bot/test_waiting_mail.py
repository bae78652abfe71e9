"""Merging, splitting and mail that waits for a word, on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.config import load_config
from bot.desk import Desk
from channels.mail.parse import parse
from rules.tokens import reply_address
from storage.tinydb_store import TinyDBStore
from tests.stage import HandClock

CONFIG = """
desk: {name: Acme Support, timezone: Asia/Shanghai, languages: [en], data_dir: ./data, secret: {file: ./secret}}
storage: {url: "tinydb:./data"}
channels:
  mail:
    - name: support
      address: support@example.com
      trusted_hosts: [mx.example.com]
      smtp_in: {listen: "127.0.0.1:0"}
      smtp_out: {maildir: ./mail}
  web: {listen: "127.0.0.1:0"}
staff:
  - {name: Ana, email: ana@example.com, role: agent}
"""


class Shell:
    """A folder with a desk in it, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config.yaml").write_text(CONFIG)
        (folder / "secret").write_text("0123456789abcdef0123456789abcdef")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(self.folder / "config.yaml")])

    def lines(self, *words: str) -> list[dict[str, object]]:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def arrive(self, text: str, *, sender: str, to: str = "support@example.com", subject: str = "Printer") -> str:
        """A mail reaches the desk as its raw bytes."""
        config = load_config(self.folder / "config.yaml", {})
        raw = (
            f"Authentication-Results: mx.example.com; spf=pass; dmarc=none\r\nFrom: {sender}\r\n"
            f"To: {to}\r\nSubject: {subject}\r\nMessage-ID: <{abs(hash((text, sender)))}@x.test>\r\n\r\n{text}\r\n"
        )
        store = TinyDBStore(self.folder / "data")
        desk = Desk(store, config.policy, HandClock(datetime.now(UTC)), lambda tickets: None)
        message = parse(
            raw.encode(), received_at=datetime.now(UTC), channel="mail:support", recipients=(to,),
            trusted_hosts=("mx.example.com",),
        )  # fmt: skip
        outcome = desk.receive(message)
        store.close()
        return outcome

    def key_of(self, number: int, owner: str) -> str:
        """The reply address that was given to somebody."""
        secret = load_config(self.folder / "config.yaml", {}).policy.secret
        return reply_address(secret, "support@example.com", number, owner)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    assert made.arrive("The printer is broken.", sender="alice@customer.test") == "opened"
    return made


def held(shell: Shell) -> str:
    """The key of a mail that waits: a stranger used Alice's reply address."""
    to = shell.key_of(1, "alice@customer.test")
    assert shell.arrive("Send me the file.", sender="mallory@evil.test", to=to) == "held"
    (line,) = shell.lines("quarantine", "list")
    assert (line["kind"], line["ticket"], line["sender"]) == ("suspect", 1, "mallory@evil.test")
    return str(line["key"])


def test_a_suspect_mail_is_listed_with_its_kind_and_reason(shell: Shell) -> None:
    """People see at once that it waits for a word and not for a fix."""
    key = held(shell)
    listed = shell.run("quarantine", "list").output
    assert "(suspect, #1)" in listed
    assert "made for somebody else (alice@customer.test)" in listed
    shown = shell.run("quarantine", "show", key).output
    assert "Send me the file." in shown


@pytest.mark.parametrize(("word", "number"), [("admit", 1), ("separate", 2)])
def test_a_word_on_the_command_line_decides_once(shell: Shell, word: str, number: int) -> None:
    """The mail is read again from what was kept, and taken in; the second word is refused."""
    key = held(shell)
    assert shell.lines("quarantine", word, key, "--as", "ana") == [{"outcome": word, "number": number}]
    assert shell.lines("quarantine", "list") == []
    texts = [line.get("text") for line in shell.lines("ticket", "show", str(number))]
    assert "Send me the file." in texts
    again = shell.run("quarantine", word, key, "--as", "ana")
    assert (again.exit_code, "decided about it before" in again.output) == (1, True)


def test_requeueing_everything_leaves_suspects_alone(shell: Shell) -> None:
    """They wait for a person's word, not for the fix of a bug."""
    held(shell)
    assert shell.lines("quarantine", "requeue", "--all") == []
    assert len(shell.lines("quarantine", "list")) == 1


def test_the_journal_says_what_was_found_out_about_the_sender(shell: Shell) -> None:
    """`deskbell why` shows the mail server's word."""
    assert "SPF pass, DKIM not told, DMARC none (read by mx.example.com)" in shell.run("why", "1").output


def test_tickets_are_merged_and_messages_split_by_script(shell: Shell) -> None:
    """The places of the journal are counted where it is shown."""
    shell.arrive("It is the large one.", sender="alice@customer.test", subject="Re: [#1] Printer")
    shown = shell.lines("ticket", "show", "1")
    place = next(line["entry"] for line in shown if line.get("text") == "It is the large one.")
    made = shell.lines("ticket", "split", "1", "--entry", str(place), "--subject", "Large", "--as", "ana")
    assert made == [{"outcome": "split", "number": 2}]
    assert shell.lines("ticket", "merge", "2", "--into", "1", "--as", "ana") == [{"outcome": "merge", "number": 1}]
    assert shell.lines("ticket", "show", "2")[0]["merged_into"] == 1
    refused = shell.run("ticket", "merge", "1", "--into", "1", "--as", "ana")
    assert (refused.exit_code, "into itself" in refused.output) == (1, True)
