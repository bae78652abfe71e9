"""What chat told the desk, written down before chat is told that we have it, until it is taken in (law 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rules.model import Cursor, Decision, Heard
from storage.protocol import Store


class ChatInbox:
    """Serves ``channels.protocol.Inbox``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def hear(self, heard: Heard) -> bool:
        """Write down what happened in chat, to be taken in later; False when it was heard before."""
        with self._store.begin() as work:
            known = work.seen(heard.key)
            if not known:
                work.hear(heard)
            # The first copy may still be on its way to the disk: an empty commit waits for it.
            work.commit()
        return not known

    def unheard(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of these keys of happenings that were never heard."""
        with self._store.read() as store:
            return frozenset(key for key in keys if not store.seen(key))

    def inbox(self) -> Sequence[Heard]:
        """What was heard and is not taken in yet, by the moment it was said."""
        with self._store.read() as store:
            return store.inbox()

    def taken_in(self, key: str) -> None:
        """What was heard under this key has had its effect; its key stays known."""
        with self._store.begin() as work:
            work.take_in(key)
            work.commit()

    def cursor(self, key: str) -> str:
        """How far something was read; empty when it never was."""
        with self._store.read() as store:
            return store.cursor(key)

    def move_cursor(self, key: str, place: str) -> None:
        """Remember how far something was read."""
        moved = Decision(cursors=(Cursor(key=key, place=place),), because=("chat: read up to there",))
        with self._store.begin() as work:
            # Under one key for every move: no place is an input that would have to be known for ever.
            work.record(key, moved)
            work.commit()
