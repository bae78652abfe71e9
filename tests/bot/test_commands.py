"""The commands of the contract, on a folder and through a running desk: same words, same lines, same exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.stores import open_store
from rules.holding import handle_of
from tests.builders import a_quarantined

CONFIG = """
desk: {name: Acme Support, timezone: Asia/Shanghai, languages: [en, zh-CN], data_dir: ./data}
storage: {url: "tinydb:./data"}
channels:
  mail:
    - name: support
      address: support@example.com
      smtp_in: {listen: "127.0.0.1:0"}
      smtp_out: {maildir: ./mail}
  web: {listen: "127.0.0.1:0"}
staff:
  - {name: Ana, email: ana@example.com, role: agent}
  - {name: Mei, email: mei@example.com, role: lead}
"""


@dataclass
class Shell:
    """A folder with a configuration, and the command line in it."""

    folder: Path

    def run(self, *words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(self.folder / "config.yaml")], input=stdin)

    def lines(self, *words: str) -> list[dict[str, object]]:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def open(self, subject: str = "The printer is broken") -> int:
        opened = self.lines(
            "ticket", "open", "--from", "alice@customer.test", "--subject", subject, "--text", "It prints nothing."
        )
        return int(str(opened[0]["number"]))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return Shell(tmp_path)


def test_commands_that_only_read_make_nothing_on_a_fresh_folder(shell: Shell) -> None:
    looks: Sequence[Sequence[str]] = (
        ("ticket", "list"), ("outbox", "list"), ("quarantine", "list"), ("verify",), ("digest", "--period", "day"),
    )  # fmt: skip
    for words in looks:
        assert shell.run(*words).exit_code == 0, words

    assert [path.name for path in shell.folder.iterdir()] == ["config.yaml"]


def test_whichever_command_opens_the_folder_first_tells_what_had_to_be_repaired(shell: Shell) -> None:
    """The torn end of a write is cut at opening; that must not go unnoticed because no desk was started."""
    shell.open()
    journal = max((shell.folder / "data").glob("journal-*.log"))
    with journal.open("ab") as file:
        file.write(b"0123 half a li")

    first, again = shell.run("verify"), shell.run("verify")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "Repaired when it was opened: The last write to" in first.stderr
    assert "Repaired" not in again.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("quarantine", "list"), "Nothing waits."),
        (("outbox", "list"), "Nothing waits to be sent; --all tells what is done."),
        (("loops", "list"), "Nothing is held back; --all tells what is counted."),
        (("reconcile",), "No mailbox is read by IMAP, so there is nothing to compare."),
    ],
)
def test_an_empty_list_is_told_to_people_and_not_to_programs(shell: Shell, words: tuple[str, ...], told: str) -> None:
    """Silence looks like a command that did not work."""
    assert shell.run(*words).stdout == f"{told}\n"
    assert shell.lines(*words) in ([], [{"exit": 0}])


def test_what_waits_is_named_short_enough_to_type(shell: Shell) -> None:
    """A Message-ID in the key would have to be quoted in a shell; the short name is taken by every command."""
    shell.open()
    key = "mail:support:<x@y>:0123"
    store = open_store(f"tinydb:{shell.folder}/data")
    with store.begin() as work:
        work.quarantine(a_quarantined(key, kind="suspect", ticket=1), b"Subject: x\r\n\r\nHello.")
        work.commit()
    store.close()
    assert shell.run("quarantine", "list").stdout.startswith(f"{handle_of(key)}  2026-")
    assert "Hello." in shell.run("quarantine", "show", handle_of(key)).stdout
    assert shell.run("quarantine", "requeue", handle_of(key)).exit_code == 0
    assert shell.run("quarantine", "list").stdout == "Nothing waits.\n"


def test_what_is_blocked_is_named_in_the_answer(shell: Shell) -> None:
    """A script and a person see what their word was about."""
    done = shell.run("loops", "block", "address:alice@customer.test", "--as", "ana")
    assert done.stdout == "address:alice@customer.test block\n"
    assert shell.run("loops", "list").stdout.startswith("address:alice@customer.test  answered 0")


def test_a_ticket_without_subject_has_a_line_that_says_so(shell: Shell) -> None:
    """An empty column looks like a broken list; a journal's words are words, not names of ours."""
    shell.open(subject="")
    assert "(no subject)" in shell.run("ticket", "list").stdout


def test_a_ticket_opened_by_script_has_all_the_fields_of_the_contract(shell: Shell) -> None:
    number = shell.open()

    (line,) = shell.lines("ticket", "list")

    assert number == 1
    assert list(line) == [
        "number", "subject", "status", "priority", "category", "customer", "assignee", "opened_at", "due_at", "channel",
    ]  # fmt: skip
    assert line["status"] == "new"
    assert line["customer"] == "alice@customer.test"


def test_what_a_script_does_is_journalled_with_its_author_and_reason(shell: Shell) -> None:
    shell.open()

    assert shell.run("ticket", "claim", "1", "--as", "ana").exit_code == 0
    assert shell.run("ticket", "reply", "1", "--as", "Ana", "--text", "-", stdin="Try the rear flap.").exit_code == 0
    assert shell.run("ticket", "priority", "1", "--as", "ana", "--value", "P2", "--text", "A VIP").exit_code == 0

    story = shell.lines("why", "1")
    kinds = [line.get("kind") for line in story]
    assert {"received", "classified", "acknowledged", "assigned", "replied", "changed"} <= set(kinds)
    changed = next(line for line in story if line.get("kind") == "changed")
    assert changed["by"] == "Ana"
    assert "A VIP" in str(changed["because"])


def test_people_read_the_time_of_the_desk_and_only_the_rules_that_held(shell: Shell) -> None:
    """Mails say 11:00 in Shanghai; the terminal must not say 03:00 without a word."""
    with (shell.folder / "config.yaml").open("a") as config:
        config.write("rules:\n  - {name: vpn, when: 'subject.contains(\"VPN\")', then: {category: network}}\n")
    shell.open()
    told = shell.run("why", "1").stdout
    opened = str(shell.lines("ticket", "list")[0]["opened_at"])
    there = datetime.fromisoformat(opened).astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"{there:%Y-%m-%d %H:%M}+08  received" in told
    assert "rules that did not hold: vpn" in told
    assert "escalation step 1" in told
    assert "1:card:1: queued" in told
    assert opened.endswith("+00:00")


def test_a_script_attaches_files_to_a_reply_and_to_a_note(shell: Shell) -> None:
    shell.open()
    for name in ("a.pdf", "b.png"):
        (shell.folder / name).write_bytes(b"\x00\xff" + name.encode())
    files = ("--file", str(shell.folder / "a.pdf"), "--file", str(shell.folder / "b.png"))

    assert shell.run("ticket", "reply", "1", "--as", "ana", "--text", "", *files).exit_code == 0
    assert shell.run("ticket", "note", "1", "--as", "ana", "--text", "see", *files[:2]).exit_code == 0

    listed = {str(line["kind"]): line["attachments"] for line in shell.lines("ticket", "show", "1") if "kind" in line}
    assert (listed["replied"], listed["noted"]) == (["a.pdf", "b.png"], ["a.pdf"])
    assert "0 problems" in shell.run("verify").stdout


def test_a_file_too_large_for_a_reply_is_refused_by_its_name_and_not_read(shell: Shell) -> None:
    shell.open()
    with (shell.folder / "film.mp4").open("wb") as film:
        film.truncate(1 << 40)

    sent = shell.run("ticket", "reply", "1", "--as", "ana", "--text", "x", "--file", str(shell.folder / "film.mp4"))

    assert sent.exit_code == 1
    assert "film.mp4 is too large" in sent.stderr


def test_a_reply_by_script_waits_for_the_hold_and_with_now_does_not(shell: Shell) -> None:
    shell.open()
    shell.run("ticket", "reply", "1", "--as", "ana", "--text", "held")
    shell.run("ticket", "reply", "1", "--as", "ana", "--text", "at once", "--now")

    owed = {str(line["key"]): str(line["due_at"]) for line in shell.lines("outbox", "list")}

    assert owed["1:reply:1"] > owed["1:reply:2"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ticket", "show", "99"), "There is no ticket #99"),
        (("why", "99"), "There is no ticket #99"),
        (("ticket", "claim", "1", "--as", "eve"), "eve is not on the staff list"),
        (("ticket", "resolve", "1", "--as", "ana", "--text", " "), "Say what was the cause"),
        (("ticket", "priority", "1", "--as", "ana", "--value", "P9"), "“P9” is not a priority here"),
        (("ticket", "hold", "1", "--as", "ana", "--until", "yesterday"), "is not a moment to come"),
        (("ticket", "close", "1", "--as", "ana"), "#1 is new"),
        (("outbox", "retry", "nothing"), "No failed or uncertain effect is called nothing"),
        (("quarantine", "requeue", "nothing"), "Nothing in quarantine has the key nothing"),
        (("ticket", "open", "--from", "nobody", "--subject", "s", "--text", "t"), "“nobody” is not a mail address"),
    ],
)
def test_what_cannot_be_done_is_refused_with_words_and_exit_1(shell: Shell, words: tuple[str, ...], told: str) -> None:
    shell.open()

    result = shell.run(*words)

    assert result.exit_code == 1
    assert told in result.stderr


def test_a_bad_configuration_is_exit_2_with_every_problem_and_no_traceback(shell: Shell) -> None:
    (shell.folder / "config.yaml").write_text(CONFIG + "sla: {P0: {}}\nstaf: []\n")

    result = shell.run("ticket", "list")

    assert result.exit_code == 2
    assert len(re.findall(r"config\.yaml:\d+:\d+: ", result.stderr)) >= 2
    assert "Traceback" not in result.output


def test_bad_arguments_are_exit_2(shell: Shell) -> None:
    assert shell.run("ticket", "show", "one").exit_code == 2
    assert shell.run("digest", "--period", "year").exit_code == 2
    assert shell.run("digest", "--period", "day", "--at", "noon").exit_code == 2
    assert shell.run("quarantine", "requeue").exit_code == 2
    assert shell.run("inspect", "absent.eml").exit_code == 2


def test_the_store_verifies_after_all_that(shell: Shell) -> None:
    shell.open()
    shell.run("ticket", "resolve", "1", "--as", "ana", "--text", "Paper jam.", "--root-cause", "paper")

    result = shell.run("verify")

    assert result.exit_code == 0
    assert "0 problems" in result.stdout


def test_the_rules_are_published_in_words(shell: Shell) -> None:
    assert "P1" in shell.run("rules").stdout
    assert "紧急" in shell.run("rules", "--language", "zh-CN").stdout
    assert shell.run("rules", "--language", "fr").exit_code == 2


def test_a_digest_can_be_seen_without_sending_it(shell: Shell) -> None:
    shell.open()
    page = shell.folder / "digest.html"

    result = shell.run("digest", "--period", "week", "--html", str(page))

    assert result.exit_code == 0
    assert "<html" in page.read_text(encoding="utf-8").lower()
    assert not [line for line in shell.lines("outbox", "list", "--all") if str(line["key"]).startswith("digest")]


def test_check_says_that_customers_cannot_open_a_link_to_this_machine(shell: Shell) -> None:
    relay = "smtp_out: {host: relay.invalid, port: 1, tls: false}"
    (shell.folder / "config.yaml").write_text(CONFIG.replace("smtp_out: {maildir: ./mail}", relay))
    dead = shell.run("check")
    assert "NOT channels.web.public_url: mails lead customers to http://127.0.0.1:" in dead.stdout
    reached = CONFIG.replace("smtp_out: {maildir: ./mail}", relay).replace(
        'web: {listen: "127.0.0.1:0"}', 'web: {listen: "127.0.0.1:0", public_url: "https://desk.example.com"}'
    )
    (shell.folder / "config.yaml").write_text(reached)
    assert "public_url" not in shell.run("check").stdout


def test_check_says_what_is_wrong_and_what_to_do(shell: Shell) -> None:
    good = shell.run("check")
    (shell.folder / "config.yaml").write_text(
        CONFIG.replace("smtp_out: {maildir: ./mail}", "smtp_out: {host: 127.0.0.1, port: 1, tls: false}")
    )
    bad = shell.run("check")
    offline = shell.run("check", "--offline")

    assert good.exit_code == 0
    assert "calendar always: open now" in good.stdout
    assert bad.exit_code == 1
    assert "support.smtp_out" in bad.stdout
    assert "look at host, port" in bad.stdout
    assert offline.exit_code == 0


def test_classify_reads_records_and_names_the_line_that_is_broken(shell: Shell) -> None:
    records = shell.folder / "items.jsonl"
    records.write_text(
        '{"id": 7, "from": "a@b.test", "subject": "How do I print?", "text": "?", "impact": "1 - High"}\n'
    )
    (line,) = shell.lines("classify", str(records))
    assert line["id"] == 7
    assert {"priority", "impact", "urgency", "category", "language", "confidence", "because"} <= set(line)
    assert line["impact"] == "high"

    records.write_text('{"id": 7}\nnot json\n')
    broken = shell.run("classify", str(records))
    assert broken.exit_code == 2
    assert "items.jsonl:2" in broken.stderr


def test_words_of_a_customer_cannot_command_the_terminal(shell: Shell) -> None:
    """An escape sequence could retitle the window or rewrite what was shown; in JSON it stays, escaped."""
    shell.lines(
        "ticket", "open", "--from", "eve@evil.test", "--subject", "Hi", "--text", "a \x1b]0;owned\x07 \u202egnp.exe\nb"
    )
    shown = shell.run("ticket", "show", "1").output
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "]0;owned" in shown
    assert any("\x1b]0;owned\x07" in str(line.get("text")) for line in shell.lines("ticket", "show", "1"))
