"""`deskbell import`: what it says, what it leaves, how it ends; with a desk that runs and without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.importing import Item
from bot.importing_run import Progress, batches
from tests.bot.config_files import SMALLEST, written

BOX = b"From x@y.test Mon May  6 08:00:00 2024\n"


def a_mail(name: str, *, day: int = 6, answers: str = "") -> bytes:
    """A mail as it lies in an mbox."""
    refs = f"In-Reply-To: <{answers}@mail.test>\n" if answers else ""
    text = f"From: alice@customer.test\nTo: support@example.com\nSubject: Printer\n{refs}"
    date = f"Date: Mon, {day:02} May 2024 08:00:00 +0000\nMessage-ID: <{name}@mail.test>\n\nIt fails: {name}.\n\n"
    return BOX + (text + date).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration and an archive of a conversation and a damaged mail."""
    written(tmp_path)
    (tmp_path / "old.mbox").write_bytes(a_mail("q") + a_mail("t", day=9, answers="q") + a_mail("u", day=12))
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    """The command in that folder."""
    return CliRunner().invoke(main, ["import", *words, "--config", str(folder / "config.yaml")])


def summed(folder: Path, *words: str) -> dict[str, Any]:
    """The last line that it says to programs."""
    result = run(folder, *words, "--json")
    assert result.exit_code == 0, result.output
    line: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return line


def tickets(folder: Path) -> list[dict[str, Any]]:
    """All tickets, as a command lists them."""
    result = CliRunner().invoke(main, ["ticket", "list", "--json", "--config", str(folder / "config.yaml")])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_archive_is_imported_and_summed_up(folder: Path) -> None:
    """In words for people; every figure for programs; again, nothing is new."""
    result = run(folder, str(folder / "old.mbox"))
    assert result.exit_code == 0, result.output
    assert "3 read" in result.stdout
    assert "2 tickets opened, 1 joined a ticket" in result.stdout
    assert [ticket["opened_at"][:10] for ticket in tickets(folder)] == ["2024-05-06", "2024-05-12"]

    again = summed(folder, str(folder / "old.mbox"))
    assert (again["read"], again["opened"], again["joined"], again["duplicate"]) == (3, 0, 0, 3)


def test_a_rehearsal_counts_and_changes_nothing(folder: Path) -> None:
    """What is there already is known, and what would join it."""
    told = summed(folder, str(folder / "old.mbox"), "--dry-run")
    assert (told["opened"], told["joined"], told["dry_run"]) == (2, 1, True)
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "old.mbox"]

    (folder / "first.mbox").write_bytes(a_mail("q"))
    summed(folder, str(folder / "first.mbox"))
    before = {path: path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()}
    told = summed(folder, str(folder / "old.mbox"), "--dry-run")
    assert (told["duplicate"], told["joined"], told["opened"]) == (1, 1, 1)
    assert {path: path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("since", "opened"), [("2024-05-10", 1), ("2024-05-06T08:00:00+00:00", 2), ("2d", 0)])
def test_only_what_is_not_older_is_imported(folder: Path, since: str, opened: int) -> None:
    """A day, a moment, or a length back from now."""
    assert summed(folder, str(folder / "old.mbox"), "--since", since)["opened"] == opened


def test_damaged_mail_is_told_with_its_place(folder: Path) -> None:
    """File and byte; the run goes on and ends with 1."""
    damaged = BOX + b"X-Nothing: here\n\nNobody wrote this.\n\n"
    path = folder / "old.mbox"
    at = path.stat().st_size
    path.write_bytes(path.read_bytes() + damaged + a_mail("v", day=20))

    result = run(folder, str(path))

    assert result.exit_code == 1
    assert f"damaged: {path}:{at}: nobody can tell who wrote it: it names no sender" in result.stdout
    assert len(tickets(folder)) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere.mbox",), "nowhere.mbox: there is no such file or folder"),
        (("imap:support",), 'no mailbox "support" is configured with imap; there are: none'),
        (("imap:support", "imap:sales"), "is imported by itself: give one PATH"),
        (("--mailbox", "sales", "nowhere"), 'there is no mailbox "sales"; there are: support'),
        (("--folder", "Sent", "nowhere"), "--folder is for a mailbox on a server"),
        (("--skip-bad", "nowhere"), "are for a table (.csv)"),
        (("--since", "last year", "nowhere"), '--since: "last year" is no day and no length'),
    ],
)
def test_wrong_words_are_told_and_nothing_is_made(folder: Path, words: tuple[str, ...], told: str) -> None:
    """Exit 2, before anything is opened."""
    result = run(folder, *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (folder / "data").exists()


def test_several_wrong_words_are_told_together(folder: Path) -> None:
    """All problems at once (contract.md)."""
    result = run(folder, "one.mbox", "two.mbox", "--mailbox", "sales")
    assert len(result.stderr.splitlines()) == 3


CSV = "ticket,subject,opened_at,customer_email,priority,text\n"


def test_a_table_with_problems_is_not_imported_at_all(folder: Path) -> None:
    """Unless the bad tickets are to be left out; then the exit code says that there were some."""
    path = folder / "old.csv"
    path.write_text(CSV + "1,A,2024-03-01,a@b.test,P1,x\n2,B,never,a@b.test,P1,x\n3,C,2024-03-01,a@b.test,Hi,x\n")

    result = run(folder, str(path))
    assert result.exit_code == 2
    assert f'{path}:3: opened_at: "never" is no date' in result.stderr
    assert "2 problems in 2 tickets" in result.stderr
    assert not (folder / "data").exists()

    result = run(folder, str(path), "--skip-bad", "--map", "priority:Hi=P1")
    assert (result.exit_code, len(tickets(folder))) == (1, 2)
    assert "1 bad tickets left out" in result.stdout


def test_a_table_with_other_columns_is_refused(folder: Path) -> None:
    """With what the columns are."""
    path = folder / "old.csv"
    path.write_text("id,title\n1,A\n")
    result = run(folder, str(path))
    assert result.exit_code == 2
    assert 'the column "id" is not known' in result.stderr
    assert "The columns are: assignee" in result.stderr


def test_a_ticket_says_where_it_was_imported_from(folder: Path) -> None:
    """`ticket show` has the file, `why` the place."""
    path = folder / "old.mbox"
    summed(folder, str(path))
    config = ["--config", str(folder / "config.yaml")]
    shown = CliRunner().invoke(main, ["ticket", "show", "1", "--json", *config])
    assert json.loads(shown.stdout.splitlines()[0])["imported_from"] == str(path)
    assert f"imported from {path}:0" in CliRunner().invoke(main, ["why", "1", *config]).stdout


def test_progress_is_told_about_once_a_second_by_what_was_read() -> None:
    """How many, how much of all bytes, how fast, how long still."""
    now = [0.0]
    told: list[str] = []
    progress = Progress(32, 4 * 2**20, told.append, lambda: now[0])
    for _ in range(25):
        now[0] += 0.125
        progress.add([Item(place="", size=2**20 // 8)], {"opened": 1})
    assert told == [
        "8 of 32 (25% of 4.0 MB), 8/s, about 0:00:03 left",
        "16 of 32 (50% of 4.0 MB), 8/s, about 0:00:02 left",
        "24 of 32 (75% of 4.0 MB), 8/s, about 0:00:01 left",
    ]


def test_a_batch_is_small_enough_to_let_live_mail_pass() -> None:
    """By count and by bytes; a mail that is larger goes alone."""
    items = [Item(place="", size=1, raw=b"x" * size) for size in (*[10] * 250, 3 * 2**20, 3 * 2**20, 9 * 2**20, 1)]
    assert [len(portion) for portion in batches(items)] == [100, 100, 51, 1, 1, 1]


def test_the_smallest_configuration_imports(tmp_path: Path) -> None:
    """Nothing needs to be configured for it."""
    written(tmp_path, base=SMALLEST)
    (tmp_path / "one.eml").write_bytes(a_mail("q").partition(b"\n")[2])
    assert summed(tmp_path, str(tmp_path / "one.eml"))["opened"] == 1


def test_long_conversations_of_old_tickets_are_cut_into_portions_too() -> None:
    """A hundred of them at once would be more than the desk's socket takes, and no second try would get further."""
    items = [Item(place=f"old.csv:{line}", size=3_000_000, ticket={"number": str(line)}) for line in range(4)]
    assert [len(portion) for portion in batches(items)] == [1, 1, 1, 1]
