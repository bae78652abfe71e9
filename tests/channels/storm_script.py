"""What people do in Slack in a storm, by a seed: words, edits, orders, emoji, files, requests; and what is left."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rules.model import EntryKind, Ticket
from tests.channels.slack_play import Play
from tests.loopback_slack import LoopbackSlack

WORDS = (EntryKind.RECEIVED, EntryKind.REPLIED, EntryKind.NOTED, EntryKind.EDITED, EntryKind.UNSAID)
EYES, ENVELOPE, TICKET = "eyes", "email", "ticket"
APART = frozenset({
    "number", "version", "linked", "chat_thread", "asked_in", "also_asked_in", "references", "clocks", "said",
    "drafted", "last_message_id",
})  # fmt: skip
"""What of a ticket names others by number, or counts editions that nobody need have heard. Times are told apart."""

_NUMBER, _SUBJECT = re.compile(r"#\d+"), re.compile(r"\(.{1,40}\)\.")


@dataclass
class Word:
    """Something that somebody wrote. ``number`` names it in every run; its time stamp does not."""

    number: int
    user: str
    channel: str
    ts: str
    root: str = ""
    locked: bool = False
    ordered: bool = False
    stands: bool = False
    order: bool = False
    asks: bool = False
    gone: bool = False


@dataclass
class Script:
    """The same acts whatever the weather: Ana under two cards, Kim and Eve where requests are heard."""

    slack: LoopbackSlack
    seed: int
    explicit: bool
    printer: str
    screen: str
    asked: str
    chair: str
    words: list[Word] = field(default_factory=list)
    looks: bool = False

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._number = 0
        self._burst: dict[str, list[Word]] = {}

    def play(self, acts: int) -> None:
        """So many acts. Whoever asks begins something new."""
        self._burst.clear()
        for _ in range(acts):
            self._number += 1
            self._choose()()
        if not self.looks:
            # Of 👀 that was put and taken away between two looks nobody can know.
            self._look()

    def _choose(self) -> Callable[[], None]:
        likely: dict[Callable[[], None], int] = {
            self._write: 4, self._edit: 4, self._delete: 2, self._share: 1, self._look: 2, self._order: 4,
            self._send: 4 if self.explicit else 0, self._ask: 4, self._go_on: 3, self._change_request: 3,
            self._take_back: 1, self._answer_there: 1, self._make_ticket: 1, self._press: 1, self._type: 1,
            self._fill_in: 1,
        }  # fmt: skip
        return self._chance.choices(list(likely), weights=list(likely.values()))[0]

    def _say(self, user: str, channel: str, text: str, root: str = "", **more: Any) -> Word:
        said = Word(self._number, user, channel, self.slack.post(user, channel, text, root or None)["ts"], root, **more)
        self.words.append(said)
        return said

    def _mine(self, fits: Callable[[Word], bool]) -> Word | None:
        known = [word for word in self.words if not word.gone and not word.order and fits(word)]
        return self._chance.choice(known) if known else None

    def _write(self) -> None:
        locked, root = self._chance.random() < 0.3, self._chance.choice((self.printer, self.screen))
        self._say("ana", "support", f"{'note: ' if locked else ''}words {self._number}", root, locked=locked)

    def _share(self) -> None:
        name, text = f"{self._number}.txt", f"file {self._number}"
        sent = self.slack.upload("ana", "support", name, name.encode(), text, self.printer)
        self.words.append(Word(self._number, "ana", "support", sent["ts"], self.printer))

    def _edit(self) -> None:
        # Of ✉️ that is found and not told nobody can know whether it was put before words were locked or after.
        word = self._mine(lambda one: one.user == "ana" and not one.asks and not (one.ordered and one.locked))
        if word is None:
            return
        word.locked = self._chance.random() < 0.4
        text = f"{self._chance.choice(('note: ', '🔒 ')) if word.locked else ''}edited {self._number}"
        self.slack.edit("ana", word.channel, word.ts, text)

    def _delete(self) -> None:
        if word := self._mine(lambda one: one.user == "ana" and not one.asks):
            self.slack.delete("ana", word.channel, word.ts)
            word.gone = True

    def _look(self) -> None:
        (self.slack.unreact if self.looks else self.slack.react)("ana", "support", self.printer, EYES)
        self.looks = not self.looks

    def _send(self) -> None:
        word = self._mine(lambda one: one.user == "ana" and not one.asks and not one.locked)
        if word is not None:
            (self.slack.unreact if word.stands else self.slack.react)("ana", "support", word.ts, ENVELOPE)
            word.stands, word.ordered = not word.stands, True

    def _order(self) -> None:
        order = self._chance.choice((
            "priority P1", "priority P2", "priority P4", "assign @ben", "assign @ana", "wait", "resume",
            "category hardware", "category other", f"send ordered {self._number}",
        ))  # fmt: skip
        self._say("ana", "support", f"@deskbell {order}", self.screen, order=True)

    def _ask(self) -> None:
        """Something new, or more words of the same burst; sometimes with the bot's name, which Slack tells twice."""
        channel = self._chance.choice(("help", "@kim"))
        name = "@deskbell " if channel == "help" and self._chance.random() < 0.3 else ""
        burst = self._burst.setdefault(channel, [])
        burst.append(self._say("kim", channel, f"{name}request {_spelt(self._number)}", asks=not burst))

    def _go_on(self) -> None:
        channel = self._chance.choice(("help", "help", "@kim"))
        if burst := self._burst.get(channel):
            self._say("kim", channel, f"more {self._number}", self._chance.choice(burst).ts)
        else:
            self._say("eve", "help", f"more {self._number}", self.asked)

    def _change_request(self) -> None:
        if word := self._mine(lambda one: one.user != "ana"):
            self.slack.edit(word.user, word.channel, word.ts, f"changed {_spelt(self._number)}")

    def _take_back(self) -> None:
        """A ticket is asked for by the first words of a burst; of such as were never shown nobody can know."""
        if word := self._mine(lambda one: one.user != "ana" and not one.asks and bool(one.root)):
            self.slack.delete(word.user, word.channel, word.ts)
            word.gone = True

    def _answer_there(self) -> None:
        self._say("ana", "help", f"there {self._number}", self.asked, asks=True)

    def _make_ticket(self) -> None:
        word = self._say("eve", "support", f"broken {_spelt(self._number)}", asks=True)
        self.slack.react("ana", "support", word.ts, TICKET)
        if self._chance.random() < 0.5:
            self._number += 1
            self._say("eve", "support", f"more {self._number}", word.ts)

    def _press(self) -> None:
        value = f'{{"ticket":3,"value":"{self._chance.choice(("P1", "P2", "P3"))}"}}'
        self._surely(lambda: self.slack.click("ana", "support", self.chair, "deskbell:priority", value))

    def _type(self) -> None:
        order = f"3 priority {self._chance.choice(('P1', 'P2', 'P3'))}"
        self._surely(lambda: self.slack.slash("ana", "support", "/ticket", order))

    def _fill_in(self) -> None:
        self._surely(lambda: self.slack.slash("ana", "support", "/ticket", "new"), twice=False)
        self.slack.until(lambda: self.slack.modals("ana"))
        name = _spelt(self._number)
        filled = {"for": f"{name}@customer.test", "subject": f"Lamp {name}", "request": f"Lamp {name} is dark."}
        self._surely(lambda: self.slack.submit("ana", filled))
        self.slack.close_view("ana", everything=True)

    def _surely(self, act: Callable[[], str], *, twice: bool = True) -> None:
        """Slack tells a click or a form once, and shows a warning when it could not; people then try again."""
        for _ in range(10):
            self.slack.until(self.slack.connections, timeout_s=20)
            told = act()
            if self.slack.until(partial(self._fate, told), timeout_s=10) == "confirmed":
                if twice:
                    self.slack.repeat_event(told)
                return
        raise AssertionError("Slack never brought it to the desk")

    def _fate(self, told: str) -> str:
        """What became of something that Slack told once; empty while nobody knows."""
        state = str(self.slack.delivery(told)["state"])
        return "" if state == "pending" else state


def _spelt(number: int) -> str:
    """A number in letters: words that differ in a number alone look like a machine's."""
    return "".join(chr(ord("a") + int(digit)) * 3 for digit in str(number))


def left(play: Play, slack: LoopbackSlack, script: Script) -> dict[str, Any]:
    """What is left when all is quiet. Tickets and words go by their numbers in the script."""
    names = {f"{slack.channel(one.channel)['id']}:{one.ts}": one for one in script.words}
    numbers = _tickets(play)
    called = {number: _names(play, number, names) for number in numbers}
    return {
        "tickets": {name: _ticket(play.ticket(number), names) for number, name in called.items()},
        "words": {
            names[place].number: (name, *word)
            for number, name in called.items() for place, word in _last(play, number, names).items()
        },
        "mails": Counter(mail.text for mail in play.replies()),
        "marks": {
            one.number: sorted(_marks(slack, one)) for one in script.words if not one.gone
        },
        "told": _told(slack, script),
    }  # fmt: skip


def _tickets(play: Play) -> range:
    with play.store.read() as store:
        return range(1, store.counts().tickets + 1)


def _names(play: Play, number: int, names: dict[str, Word]) -> str:
    """What a ticket is called in every run, whatever its number and whichever words of a burst were heard first."""
    if play.ticket(number).asked_in not in names:
        return play.ticket(number).subject
    places = (names[entry.place] for entry in play.journal(number) if entry.place in names)
    return f"request {min(word.number for word in places if not word.root and not word.gone)}"


def _ticket(ticket: Ticket, names: dict[str, Word]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for part in ticket.__slots__:
        value = getattr(ticket, part)
        if part.endswith("_at"):
            shown[part] = value is not None
        elif part not in APART:
            shown[part] = value
    if ticket.asked_in in names:
        # The words of a burst that were heard first name its request, and answers go to their thread.
        del shown["subject"]
    # What was taken back before it was ever seen was not received.
    del shown["received"]
    shown["clocks"] = [(clock.target, clock.met_at is not None) for clock in ticket.clocks]
    return shown


def _last(play: Play, number: int, names: dict[str, Word]) -> dict[str, Any]:
    """The newest edition of each word that still stands, with its files."""
    last: dict[str, Any] = {}
    files: dict[str, tuple[str, ...]] = {}
    for entry in play.journal(number):
        if entry.place not in names or entry.kind not in WORDS or names[entry.place].gone:
            continue
        if entry.attachments:
            files[entry.place] = tuple(file.filename for file in entry.attachments)
        last[entry.place] = (entry.author.name, entry.text, files.get(entry.place, ()))
    return last


def _marks(slack: LoopbackSlack, one: Word) -> set[str]:
    ours = slack.message(one.channel, one.ts).get("reactions", [])
    people = {slack.user(name)["id"] for name in ("ana", "eve", "kim")}
    marks = {reaction["name"] for reaction in ours if set(reaction["users"]) - people}
    # Words that wait for an order look other than those whose order was taken back, which may never have been seen.
    taken_back = one.ordered and not one.stands and not one.locked
    return {"inside" if taken_back and mark in ("lock", "memo") else mark for mark in marks}


def _told(slack: LoopbackSlack, script: Script) -> dict[str, Any]:
    """What the bot said where people ask."""
    said: Counter[str] = Counter()
    for channel in ("help", "@kim"):
        for root in slack.threads(channel):
            for message in (root, *root["replies"]):
                if message.get("bot_id"):
                    said[f"{channel} {_SUBJECT.sub('', _NUMBER.sub('#', message['text']))}"] += 1
    return dict(said)
