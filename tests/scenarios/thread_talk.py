"""Staff talk in a ticket's thread on the stage: said, edited and deleted, as chat tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from channels.protocol import Answer
from rules.effects import Mail, Mark, OutboxState, Post, Whisper
from rules.files import kept
from rules.model import Actor, Command
from rules.policy import ChatHabits
from tests.stage import Stage, a_policy

ALICE = "alice@customer.test"

_policy = cache(a_policy)


@dataclass
class Talk:
    """A ticket's thread; each message in it has a place, and each of its editions a time stamp."""

    stage: Stage
    number: int = 1
    _keys: int = 0
    _files: dict[str, Any] = field(default_factory=dict)

    def say(self, ts: int, text: str, *, by: str = "ana", edition: str = "", **more: Any) -> Answer:
        """Somebody says something at a place, or edits it there."""
        happened = "edited" if edition else "posted"
        return self._tell(ts, text, by, happened=happened, edition=edition, **more)

    def edit(self, ts: int, text: str, *, at: int, by: str = "ana", **more: Any) -> Answer:
        """Somebody edits their words."""
        return self.say(ts, text, by=by, edition=f"{at}.000000", **more)

    def delete(self, ts: int, *, by: str = "ana") -> Answer:
        """Somebody deletes their words."""
        return self._tell(ts, "", by, happened="deleted", edition="")

    def order(self, name: str, text: str = "", *, by: str = "ana", **args: str) -> Answer:
        """Somebody orders something from the thread."""
        return self._obey(name, text, by, {"user": user(by), **args}, ())

    def react(self, ts: int, *, by: str = "ana", added: bool = True, at: str = "") -> Answer:
        """Somebody puts ✉️ on a message, or takes it away."""
        args = {"target": place(ts), "about": "words", "user": user(by)}
        args |= {"said_at": at} if at else {}
        return self._obey("send" if added else "withdraw", "", by, args, ())

    def _tell(self, ts: int, text: str, by: str, **args: Any) -> Answer:
        files = args.pop("files", ())
        return self._obey("say", text, by, {"target": place(ts), "user": user(by), **args}, files)

    def _obey(self, name: str, text: str, by: str, args: dict[str, str], files: tuple[Any, ...]) -> Answer:
        self._keys += 1
        stage = self.stage
        actor = Actor(name=by, staff=by if stage.policy.person(by) else None)
        command = Command(
            key=f"talk:{self._keys}", name=name, actor=actor, at=stage.clock.at, ticket=self.number, text=text,
            args=args, files=files,
        )  # fmt: skip
        self._files |= dict(kept(command))
        answer = stage.desk.obey(command)
        stage.deliver()
        return answer

    # What can be seen of it

    def answers(self) -> list[Mail]:
        """What staff said to the customer and the relay took."""
        return [mail for mail in self.stage.mails_to(ALICE) if not mail.automatic]

    def held(self) -> dict[str, str]:
        """The words that wait for the end of their hold, by place."""
        waiting = self.stage.owed((OutboxState.QUEUED,))
        return {entry.meta["place"]: entry.meta["text"] for entry in waiting if "place" in entry.meta}

    def whispers(self) -> list[Whisper]:
        """What was told to one person only."""
        return [entry.content for entry in self.stage.sent if isinstance(entry.content, Whisper)]

    def marks(self, ts: int) -> list[str]:
        """The marks that a message got, in order."""
        marks = [entry.content for entry in self.stage.sent if isinstance(entry.content, Mark)]
        return [mark.mark for mark in marks if mark.target == place(ts)]

    def questions(self) -> list[Post]:
        """The lines in the thread that ask whether words are to be sent all the same."""
        return [post for post in self.stage.posts(self.number) if post.mark == "asked"]


def place(ts: int) -> str:
    """The chat's name of a message."""
    return f"C1:{ts}.000000"


def user(by: str) -> str:
    """The chat's name of a person."""
    return f"U{by.upper().replace('.', '')}"


def a_talk(replies: str = "direct", **changes: Any) -> Talk:
    """A ticket with its thread; ``replies`` says whether plain words go to the customer."""
    stage = Stage(policy=replace(_policy(), chat=ChatHabits(replies=replies, **changes)))
    stage.mail()
    return Talk(stage)


def a_talk_without_hold() -> Talk:
    """A ticket on a desk that sends answers at once."""
    policy = _policy()
    stage = Stage(policy=replace(policy, habits=replace(policy.habits, undo_hold=timedelta())))
    stage.mail()
    return Talk(stage)


def code(answer: Answer) -> str:
    """Why something was refused; empty when it was not."""
    return answer.refusal.code if answer.refusal else ""
