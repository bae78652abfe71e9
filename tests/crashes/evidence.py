"""What a killed desk left behind, read without touching it: its journal, and where its mails went."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from channels.mail.maildir import file_name
from tests.crashes.loader import Busy, Load, Sent
from tests.crashes.places import Place
from tests.crashes.written import sending
from tests.end_to_end.parts import DeskProcess
from tests.end_to_end.relay import ANSWERED, RECEIVED, RelayProcess

UNTIL_AIMED_S = 5.0
"""After so long without the moment aimed at, the desk is killed anyway."""


class Window(StrEnum):
    """Where a kill can fall."""

    BEFORE_COMMIT = "before commit"
    BEFORE_250 = "after commit, before 250"
    SENDING = "in sending"
    BEFORE_SETTLING = "after sending, before settling"


class Outside(Protocol):
    """Where mails go out, as seen from outside the desk."""

    def begun(self) -> int:
        """A number that grows when a mail begins to leave."""

    def arrived(self) -> int:
        """A number that grows when a mail has wholly arrived."""

    def has(self, row: dict[str, Any]) -> bool:
        """Whether the mail of an outbox row arrived."""


@dataclass
class MaildirOutside:
    """A Maildir."""

    folder: Path

    def begun(self) -> int:
        return self._changed("tmp")

    def arrived(self) -> int:
        return self._changed("new")

    def has(self, row: dict[str, Any]) -> bool:
        return (self.folder / "new" / file_name(row["key"])).exists()

    def _changed(self, place: str) -> int:
        try:
            return (self.folder / place).stat().st_mtime_ns
        except FileNotFoundError:
            return 0


@dataclass
class RelayOutside:
    """A relay: a mail has arrived when it was answered."""

    relay: RelayProcess

    def begun(self) -> int:
        return self.relay.changed(RECEIVED)

    def arrived(self) -> int:
        return self.relay.changed(ANSWERED)

    def has(self, row: dict[str, Any]) -> bool:
        return row["content"]["message_id"] in {mail["Message-ID"] for mail in self.relay.answered()}


@dataclass
class Marksman:
    """Kills a busy desk at the moment it aims at, and tells afterwards from the evidence where the kill fell.

    It sees only what anybody outside sees: sizes of files, what clients wait for, what arrived. Under load one kill
    falls into several windows at once, for different mails.
    """

    place: Place
    desk: DeskProcess
    load: Load
    outside: Outside
    chance: random.Random
    fell: Counter[Window] = field(default_factory=Counter)
    kills: int = 0
    at_start: int = 0
    cuts: int = 0

    def __post_init__(self) -> None:
        self.written = self.place.written()

    def kill_once(self) -> None:
        """Load a running desk, kill it, and note where the kill fell."""
        aim = self._aim()
        busy = Busy(self.load, self.desk)
        self._await(aim)
        self._kill()
        busy.join()
        self.kills += 1
        assert busy.refused == [], "a desk that was only killed refused mails before"
        self.written.read_on()
        for window in self._classify(self.load.after_kill()):
            self.fell[window] += 1

    def kill_at_start(self) -> None:
        """Kill the desk while it starts, wherever it is in putting right what the last kill left."""
        self.desk.launch()
        self._watch(lambda: False, self.chance.uniform(0.1, 1.2))
        self.desk.kill()
        self.at_start += 1

    def report(self) -> str:
        """How many kills fell where, for people."""
        fell = "; ".join(f"{window.value}: {self.fell[window]}" for window in Window)
        mails = f"{len(self.load.mails)} mails sent, {self.load.taken} answers of 250"
        kills = f"{self.kills} kills under load ({mails}), {self.at_start} at start-up, {self.cuts} power cuts"
        return f"{self.place.kind}: {kills}. Fell {fell}"

    def _kill(self) -> None:
        """The desk alone, or each third time with the server of its database."""
        if self.place.server is not None and self.kills % 3 == 1:
            self.cuts += 1
            self.place.lose_power(self.desk)
        else:
            self.desk.kill()

    def _aim(self) -> Window | None:
        """Mostly the window hit least so far; else no window but any moment."""
        if self.chance.random() < 0.25:
            return None
        return min(Window, key=lambda window: (self.fell[window], self.chance.random()))

    def _await(self, aim: Window | None) -> None:
        """Return at the moment to kill."""
        taken_before = self.load.taken
        self._watch(lambda: self.load.taken > taken_before, UNTIL_AIMED_S)
        self._watch(lambda: False, self.chance.uniform(0.0, 0.25))
        if aim is None:
            return
        seen = self._signs(aim)
        self._watch(lambda: self._signs(aim) > seen and self._fits(aim), UNTIL_AIMED_S)

    def _signs(self, aim: Window) -> int:
        if aim is Window.BEFORE_COMMIT:
            return self.load.wholes
        if aim is Window.BEFORE_250:
            return self.written.grown()
        return self.outside.begun() if aim is Window.SENDING else self.outside.arrived()

    def _fits(self, aim: Window) -> bool:
        return self.load.waiting > 0 or aim in (Window.SENDING, Window.BEFORE_SETTLING)

    def _watch(self, reached: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not reached() and time.monotonic() < deadline:
            time.sleep(0.0002)

    def _classify(self, unanswered: Sequence[Sent]) -> Collection[Window]:
        committed = [mail.message_id in self.written.message_ids for mail in unanswered]
        arrived = [self.outside.has(row) for row in sending(self.written)]
        found = {
            Window.BEFORE_COMMIT: not all(committed),
            Window.BEFORE_250: any(committed),
            Window.SENDING: not all(arrived),
            Window.BEFORE_SETTLING: any(arrived),
        }
        return [window for window, fell in found.items() if fell]
