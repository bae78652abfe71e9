"""What only one process does at a time: the first who asks has it, and the next one when that is gone."""

from __future__ import annotations

from bot.roles import DIGESTS, ROUNDS, Roles, reader_of
from storage.memory import MemoryStore
from tests.bot.shared_store import Database
from tests.stage import HandClock

OURS = (ROUNDS, DIGESTS)


def held(roles: Roles) -> list[str]:
    return list(roles.held)


def test_a_desk_of_one_process_has_every_role_and_names_none() -> None:
    roles = Roles(MemoryStore(), OURS)
    roles.look()
    assert roles.has(ROUNDS)
    assert roles.role(reader_of("support")).hold()
    assert held(roles) == []


def test_the_first_process_has_the_roles_and_the_second_gets_them_when_it_dies() -> None:
    database = Database(HandClock())
    first, second = database.process(), database.process()
    one, two = Roles(first, OURS), Roles(second, OURS)
    one.look()
    two.look()
    assert (held(one), held(two)) == ([DIGESTS, ROUNDS], [])

    first.kill()
    one.look()
    two.look()
    assert (held(one), held(two)) == ([], [DIGESTS, ROUNDS])


def test_a_process_that_stops_leaves_its_roles_at_once_and_takes_none_again() -> None:
    database = Database(HandClock())
    one, two = Roles(database.process(), OURS), Roles(database.process(), OURS)
    one.look()
    one.let_go(ROUNDS)
    one.look()
    assert held(one) == [DIGESTS]
    two.look()
    assert held(two) == [ROUNDS]
    one.let_go()
    one.look()
    assert held(one) == []


def test_while_the_database_is_away_nobody_has_a_role() -> None:
    database = Database(HandClock())
    one = Roles(database.process(), OURS)
    one.look()
    database.away = True
    one.look()
    assert held(one) == []
    database.away = False
    one.look()
    assert held(one) == [DIGESTS, ROUNDS]


def test_the_role_of_a_reader_may_be_left_and_taken_again() -> None:
    database = Database(HandClock())
    one, two = (Roles(database.process()).role(reader_of("support")) for _ in range(2))
    assert one.hold()
    assert not two.hold()
    one.let_go()
    assert two.hold()
    assert not one.hold()
    two.let_go()
    assert one.hold()
