"""What every store owes what was heard in chat: it is kept until it was taken in, and known for ever."""

from __future__ import annotations

import threading
from datetime import timedelta

from bot.chat_inbox import ChatInbox
from rules.model import Heard
from tests.builders import MONDAY
from tests.contracts.desks import Desk, reader


def something(ts: str, room: str = "C1:1.000001") -> Heard:
    """Somebody said something."""
    return Heard(key=f"heard:{room}:{ts}", at=MONDAY, kind="said", room=room, ts=ts, what={"said": '{"text": "…🎫"}'})


def test_what_was_heard_waits_until_it_is_taken_in_and_is_known_for_ever(desk: Desk) -> None:
    inbox = ChatInbox(desk.store)
    first, second = something("1.000002"), something("1.000003")
    assert inbox.hear(second)
    assert inbox.hear(first)
    assert not inbox.hear(replace_at(first))
    desk.again()
    inbox = ChatInbox(desk.store)
    assert tuple(inbox.inbox()) == (first, second), "in the order in which it was said, and unchanged"
    inbox.taken_in(first.key)
    inbox.taken_in("never heard")
    desk.again()
    inbox = ChatInbox(desk.store)
    assert tuple(inbox.inbox()) == (second,)
    assert not inbox.hear(first), "what was taken in is not heard again"
    assert inbox.unheard([first.key, second.key, "other"]) == {"other"}


def test_how_far_chat_was_read_is_remembered(desk: Desk) -> None:
    inbox = ChatInbox(desk.store)
    assert inbox.cursor("sweep:C1") == ""
    for place in ("1.000001", "1.000002", "1.000001", '{"U1:eyes": [1, true, ""]}'):
        inbox.move_cursor("sweep:C1", place)
    inbox.move_cursor("sweep:C2", "7.000001")
    desk.again()
    assert reader(desk).cursor("sweep:C1") == '{"U1:eyes": [1, true, ""]}'
    assert reader(desk).cursor("sweep:C2") == "7.000001"


def test_what_comes_by_two_sockets_at_once_is_heard_once(desk: Desk) -> None:
    inbox, heard = ChatInbox(desk.store), []
    both = threading.Barrier(2)

    def hear() -> None:
        both.wait()
        heard.append(inbox.hear(something("1.000002")))

    threads = [threading.Thread(target=hear) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == [False, True]
    assert len(inbox.inbox()) == 1


def test_what_was_not_committed_was_not_heard(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.hear(something("1.000002"))
    assert reader(desk).inbox() == ()
    assert ChatInbox(desk.store).hear(something("1.000002"))


def replace_at(heard: Heard) -> Heard:
    """The same thing, heard later."""
    return Heard(
        key=heard.key, at=heard.at + timedelta(hours=1), kind=heard.kind, room=heard.room, ts=heard.ts, what=heard.what
    )
