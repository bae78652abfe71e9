"""An import that is killed at any instant and run again brings in every mail once, and tells nobody."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bot.stores import open_store
from rules.model import EntryKind, Status
from storage.protocol import Store
from tests.end_to_end.parts import configuration, until
from tests.end_to_end.test_import import an_archive

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
KILLS = 40 if SOAK else 4
MAILS = 1400 if SOAK else 600


def test_an_import_that_is_killed_again_and_again_goes_on(tmp_path: Path) -> None:
    """Each run is killed at a random size of what it wrote; the last one ends by itself."""
    path, chance = an_archive(tmp_path / "old.mbox", MAILS), random.Random(20260323)
    (tmp_path / "config.yaml").write_text(json.dumps(configuration()))
    cut = 0
    for _ in range(KILLS):
        before, more = written(tmp_path), chance.randint(1, 400_000)
        with importing(tmp_path, path) as process:
            until_written(tmp_path, before + more, process)
            cut += process.poll() is None
            process.kill()
    with importing(tmp_path, path) as process:
        assert process.wait(120) == 0

    assert cut, "no kill fell into an import"
    store = open_store(f"tinydb:{tmp_path / 'data'}")
    try:
        check(store, MAILS)
    finally:
        store.close()


def importing(folder: Path, path: Path) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "bot", "import", str(path), "--config", str(folder / "config.yaml")]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def until_written(folder: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the data folder is that large, or the process has ended."""
    until(lambda: process.poll() is not None or written(folder) > size, "the import to write", every_s=0.005)


def written(folder: Path) -> int:
    """How many bytes lie in the data folder; files come and go meanwhile."""
    total = 0
    for path in (folder / "data").rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def check(store: Store, count: int) -> None:
    """Every mail is one entry of the right ticket, nobody is owed anything, and nothing is broken."""
    assert not store.verify()
    with store.read() as look:
        tickets = list(look.tickets())
        entries = {ticket.number: look.entries(ticket.number) for ticket in tickets}
        assert (list(look.outbox()), look.next_due_at()) == ([], None)
    received = Counter(
        entry.message_id for lines in entries.values() for entry in lines if entry.kind is EntryKind.RECEIVED
    )
    assert received == Counter(f"<old-{number}@mail.test>" for number in range(count))
    assert {ticket.status for ticket in tickets} == {Status.CLOSED}
    assert len(tickets) == count - count // 3
