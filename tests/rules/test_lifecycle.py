"""The life of a ticket: every cell of the table, and that nothing else moves a status (R-HA-1)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rules.errors import IllegalTransitionError
from rules.lifecycle import LIVE, MOVES, RUNNING, Event, may, mermaid, move
from rules.model import Status

ROOT = Path(__file__).parents[2]

# Rows are states, columns events, in the words of the requirement; a dash is no move.
TABLE = """
                                new        open       waiting    on_hold    follow_up  resolved   closed
customer wrote                  new        open       open       open       open       open       open
staff claimed                   open       open       waiting    on_hold    follow_up  -          -
staff replied                   open       open       waiting    on_hold    follow_up  resolved   closed
staff waits for the customer    waiting    waiting    waiting    waiting    waiting    -          -
staff puts it on hold           on_hold    on_hold    on_hold    on_hold    on_hold    -          -
staff sets a follow-up          follow_up  follow_up  follow_up  follow_up  follow_up  -          -
staff resumes                   -          -          open       open       open       -          -
staff resolved                  resolved   resolved   resolved   resolved   resolved   -          -
staff closed                    -          -          -          -          -          closed     -
staff re-opened                 -          -          -          -          -          open       open
customer confirmed              -          -          -          -          -          closed     -
customer says it is not solved  -          -          -          -          -          open       open
customer gave a low score       -          -          -          -          -          -          follow_up
customer was silent             -          -          resolved   -          -          closed     -
the agreed time came            -          -          -          open       open       -          -
staff merged it                 closed     closed     closed     closed     closed     closed     -
staff calls it spam             closed     closed     closed     closed     closed     closed     -
"""


def cells() -> list[tuple[Status, Event, Status | None]]:
    """Every state with every event, as the table above has it."""
    head, *rows = TABLE.strip("\n").splitlines()
    states = [Status(name) for name in head.split()]
    found = []
    for row in rows:
        event, *goals = re.split(r"\s{2,}", row)
        for state, goal in zip(states, goals, strict=True):
            found.append((state, Event(event), None if goal == "-" else Status(goal)))
    return found


@pytest.mark.parametrize(("status", "event", "goal"), cells(), ids=lambda value: str(value))
def test_every_move_is_the_tables(status: Status, event: Event, goal: Status | None) -> None:
    """A legal event moves as told; any other raises and says which state cannot take what."""
    assert may(status, event) is (goal is not None)
    if goal is not None:
        assert move(status, event) is goal
    else:
        with pytest.raises(IllegalTransitionError, match=f"{status} cannot take the event {event}"):
            move(status, event)


def test_the_table_is_whole() -> None:
    """No state and no event is left out."""
    assert {(status, event) for status, event, _ in cells()} == {(s, e) for s in Status for e in Event}
    assert set(MOVES) == set(Status)


def test_clocks_run_only_while_we_owe_the_next_step() -> None:
    """Waiting and on hold stand still; resolved and closed are done (R-SLA-2)."""
    assert {Status.NEW, Status.OPEN, Status.FOLLOW_UP} == RUNNING
    assert set(Status) - LIVE == {Status.RESOLVED, Status.CLOSED}


def status_assignments(source: str) -> list[str]:
    """The functions of a module that give a ticket another status."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "replace":
                continue
            if any(keyword.arg == "status" for keyword in call.keywords):
                found.append(function.name)
    return found


def test_nothing_but_the_drafts_move_changes_a_status() -> None:
    """Whoever wants to move a ticket must go through the table."""
    movers = {}
    for path in sorted(ROOT.glob("*/**/*.py")):
        if path.relative_to(ROOT).parts[0] not in {"rules", "bot", "channels", "storage"}:
            continue
        if found := status_assignments(path.read_text(encoding="utf-8")):
            movers[path.relative_to(ROOT).as_posix()] = found
    assert movers == {"rules/draft.py": ["move"]}


def test_the_search_for_movers_finds_them() -> None:
    """The test above can fail."""
    assert status_assignments("def f(t):\n    return replace(t, status=1)") == ["f"]


def test_the_graph_shows_every_move_between_two_states() -> None:
    """The graph for people has each arrow of the table once, named by its events."""
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", mermaid(), re.MULTILINE)
    drawn = {(Status(a), Event(name), Status(b)) for a, b, names in arrows for name in names.split(", ")}
    assert drawn == {(s, e, g) for s, e, g in cells() if g is not None and g is not s}


def test_the_architecture_shows_the_table_as_it_is() -> None:
    """The graph in ARCHITECTURE.md is the one the table draws."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid()}\n```" in text
