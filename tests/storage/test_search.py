"""The search's file follows the store through kills, damage, restored backups and erased tickets, and loses nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rules.errors import StoreUnavailableError
from rules.model import Decision
from storage import search as following
from storage.search import FILE, Search
from storage.search_index import FORM
from tests.builders import MONDAY, a_ticket
from tests.storage.search_desks import DAY, Desk, a_desk, write


def found(search: Search, words: str) -> list[int]:
    """The numbers of what was found, ascending."""
    return sorted(one.ticket.number for one in search.find(words, 100))


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    """A start compares versions and reads no journal but of what changed while nobody followed."""
    desk = a_desk()
    search = Search(desk, tmp_path)
    search.catch_up()
    search.close()
    assert len(desk.read_in_full) == 50
    write(desk, 7, "an epsilon", version=1)
    desk.read_in_full.clear()
    again = Search(desk, tmp_path)
    again.catch_up()
    assert desk.read_in_full == [7]
    assert found(again, "epsilon") == [7]
    assert found(again, "everybody") == list(range(1, 51))
    again.close()


def test_what_was_told_to_have_changed_is_found_at_once(tmp_path: Path) -> None:
    """A question reads it by itself, before the background does."""
    desk = a_desk(8)
    search = Search(desk, tmp_path)
    search.catch_up()
    write(desk, 9, "an epsilon")
    assert found(search, "epsilon") == []
    search.note([9])
    assert found(search, "epsilon") == [9]
    assert search.behind == 0
    search.close()


def test_what_changed_last_is_compared_first(tmp_path: Path) -> None:
    """While the index is made, the latest tickets are found already."""
    desk = a_desk()
    search = Search(desk, tmp_path)
    assert search.step()
    assert found(search, "everybody") == list(range(51 - following.AT_ONCE, 51))
    assert search.compared == following.AT_ONCE
    search.catch_up()
    assert search.compared is None
    search.close()


def test_an_erased_ticket_is_found_no_more(tmp_path: Path) -> None:
    """Not even before the index knows; and after a round its words are gone from the file."""
    desk = a_desk(8)
    search = Search(desk, tmp_path)
    search.catch_up()
    desk.erased.add(4)
    assert found(search, "alpha") == [8]
    search.start_over()
    search.catch_up()
    search.close()
    with sqlite3.connect(tmp_path / FILE) as line:
        assert line.execute("SELECT rowid FROM words WHERE words MATCH 'alpha'").fetchall() == [(8,)]
    line.close()


def test_another_store_in_its_place_is_followed(tmp_path: Path) -> None:
    """As after a restored backup: the same numbers and versions, other tickets."""
    search = Search(a_desk(8), tmp_path)
    search.catch_up()
    search.close()
    other = Desk()
    ticket = replace(a_ticket(4, subject="Omega"), updated_at=MONDAY + 4 * DAY + timedelta(microseconds=1))
    with other.begin() as work:
        work.record("m4", Decision(tickets=(ticket,)))
        work.commit()
    again = Search(other, tmp_path)
    again.catch_up()
    assert (found(again, "omega"), found(again, "everybody")) == ([4], [])
    again.close()


def ruined(path: Path) -> None:
    """Half of the file is noise."""
    data = path.read_bytes()
    path.write_bytes(data[:100] + os.urandom(len(data) - 100))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "noise": ruined,
    "another kind of file": lambda path: path.write_bytes(b"Dear desk, " * 1000),
    "deleted": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
}


def with_tables(path: Path, *orders: str) -> None:
    """Change a file as an older version, or somebody else, may have."""
    with sqlite3.connect(path) as line:
        for order in orders:
            line.execute(order)
    line.close()


DAMAGES["an older form"] = lambda path: with_tables(path, f"PRAGMA user_version = {FORM - 1}")
DAMAGES["a table that is gone"] = lambda path: with_tables(path, "DROP TABLE words")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str) -> None:
    """Nothing is lost with it: the words are in the store."""
    desk = a_desk(200)
    search = Search(desk, tmp_path)
    search.catch_up()
    search.close()
    DAMAGES[damage](tmp_path / FILE)
    write(desk, 201, "an epsilon")
    again = Search(desk, tmp_path)
    again.find("gamma")
    again.note([1])
    again.catch_up()
    again.start_over()
    again.catch_up()
    assert found(again, "epsilon") == [201]
    assert found(again, "gamma") == [number for number in range(1, 201) if number % 4 == 2]
    again.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """What customers wrote is in it."""
    search = Search(a_desk(2), tmp_path)
    search.catch_up()
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    search.close()


def test_a_store_that_fails_loses_no_change(tmp_path: Path) -> None:
    """What was told stays to be read."""
    desk = a_desk(4)
    search = Search(desk, tmp_path)
    search.catch_up()
    write(desk, 5, "an epsilon")
    search.note([5])
    desk.fails = True
    with pytest.raises(StoreUnavailableError):
        search.step()
    desk.fails = False
    assert found(search, "epsilon") == [5]
    search.close()


def test_of_two_processes_one_writes_and_both_find(tmp_path: Path) -> None:
    """When the one ends, the other goes on with its work."""
    desk = a_desk(4)
    keeper, other = Search(desk, tmp_path), Search(desk, tmp_path)
    keeper.catch_up()
    desk.read_in_full.clear()
    other.note([1])
    other.catch_up()
    assert desk.read_in_full == []
    assert found(other, "everybody") == [1, 2, 3, 4]
    write(desk, 5, "everybody says epsilon")
    keeper.note([5])
    keeper.catch_up()
    assert found(other, "epsilon") == [5]
    write(desk, 6, "everybody says zeta")
    keeper.close()
    other.catch_up()
    assert found(other, "zeta") == [6]
    other.close()


KILLED = """
import os, sys
from pathlib import Path
from tests.storage.search_desks import a_desk
from storage.search import Search
from storage.search_index import SearchIndex

put, left = SearchIndex.put, [int(sys.argv[2])]


def put_and_die(index, pages, gone=()):
    index._line.set_progress_handler(die, 10)
    put(index, pages, gone)


def die():
    left[0] -= 1
    if left[0] == 0:
        os._exit(9)
    return 0


SearchIndex.put = put_and_die
Search(a_desk(), Path(sys.argv[1])).catch_up()
"""


@pytest.mark.parametrize("moment", [1, 150, 300, 450])
def test_a_kill_in_the_middle_of_writing_leaves_whole_steps(tmp_path: Path, moment: int) -> None:
    """After it the index holds what was committed, and the next start goes on."""
    run = [sys.executable, "-c", KILLED, str(tmp_path), str(moment)]
    killed = subprocess.run(run, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert killed.returncode == 9, "it was still writing"
    with sqlite3.connect(tmp_path / FILE) as line:
        line.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        kept = line.execute("SELECT count(*) FROM tickets").fetchone()[0]
        assert kept == line.execute("SELECT count(*) FROM words").fetchone()[0] < 50
        assert kept % following.AT_ONCE == 0
    line.close()
    desk = a_desk()
    search = Search(desk, tmp_path)
    search.catch_up()
    assert len(desk.read_in_full) == 50 - kept
    assert found(search, "everybody") == list(range(1, 51))
    search.close()


HOSTILE = [
    '"',
    '""',
    "' OR 1=1 --",
    'alpha" OR "beta',
    "alpha OR beta",
    "NOT alpha",
    "NEAR(alpha beta, 2)",
    "said:alpha",
    "{said} : alpha",
    "^alpha",
    "alpha*",
    "al*pha",
    "(alpha",
    "-alpha",
    "alpha + beta",
    "\x00alpha\x00",
    "\udce4alpha",
    "%s %d {0} \\",
    "a" * 10_000,
    '"' * 10_000,
    "网" * 10_000,
    "ﷺ" * 1000,
    " ".join(map(str, range(1000))),
    "a-" * 5000,
    "𠀀𠀁 😀",
    "99999999999999999999",
    "#999999999",
    "-1",
    "０",
]


def test_hostile_questions_are_words_like_any(tmp_path: Path) -> None:
    """No sign means anything to the index, nothing raises, and the file stays as it is."""
    desk = a_desk(8)
    search = Search(desk, tmp_path)
    search.catch_up()
    desk.read_in_full.clear()
    told = {question: found(search, question) for question in HOSTILE}
    hits = {question for question, numbers in told.items() if numbers}
    assert hits == {"^alpha", "alpha*", "(alpha", "-alpha", "\x00alpha\x00", "\udce4alpha", "-1"}
    assert search.compared is None, "nothing was made anew"
    search.close()
