"""The hands of a test in the loopback Slack: people act, things break, and one looks at what the app did."""

from __future__ import annotations

import asyncio
import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from tests.loopback_slack.errors import Json

Seen = TypeVar("Seen")
POLL_S = 0.01


class People(ABC):
    """What people do. Users and channels go by name or id; `@ana` is the direct message with ana.

    Every method raises ControlError when a real user could not do it. None waits for the app.
    """

    @abstractmethod
    def do(self, control: str, **arguments: Any) -> Any:
        """Run one control by name."""

    def post(
        self,
        user: str,
        channel: str,
        text: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
        on_the_wire: bool = False,
    ) -> Json:
        """A person writes, in a thread when `thread_ts` is given. `text` is as typed unless `on_the_wire`."""
        how = {"thread_ts": thread_ts, "broadcast": broadcast, "on_the_wire": on_the_wire}
        return dict(self.do("post", user=user, channel=channel, text=text, **how))

    def upload(
        self, user: str, channel: str, name: str, content: bytes, text: str = "", thread_ts: str | None = None
    ) -> Json:
        """A person shares a file."""
        raw = base64.b64encode(content).decode()
        what = {"name": name, "content": raw, "text": text, "thread_ts": thread_ts}
        return dict(self.do("upload", user=user, channel=channel, **what))

    def edit(self, user: str, channel: str, ts: str, text: str) -> Json:
        """A person edits their message."""
        return dict(self.do("edit", user=user, channel=channel, ts=ts, text=text))

    def delete(self, user: str, channel: str, ts: str) -> None:
        """A person deletes their message."""
        self.do("delete", user=user, channel=channel, ts=ts)

    def unfurl(self, channel: str, ts: str) -> Json:
        """Slack adds a link preview to a message: message_changed without `edited`."""
        return dict(self.do("unfurl", channel=channel, ts=ts))

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """A person puts a reaction (its name, without colons) on a message."""
        self.do("react", user=user, channel=channel, ts=ts, name=name)

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        """A person takes their reaction off again."""
        self.do("unreact", user=user, channel=channel, ts=ts, name=name)

    def other_bot_post(self, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Another app's bot writes."""
        return dict(self.do("other_bot_post", channel=channel, text=text, thread_ts=thread_ts))

    def join(self, user: str, channel: str) -> None:
        """Someone joins a channel; the bot's name stands for inviting the app."""
        self.do("join", user=user, channel=channel)

    def leave(self, user: str, channel: str) -> None:
        """Someone leaves a channel, or the app is removed from it."""
        self.do("leave", user=user, channel=channel)

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: Any = None, block_id: str | None = None
    ) -> str:
        """A person presses a button, or picks the option with `value` from a menu; gives the delivery's id."""
        what = {"action_id": action_id, "value": value, "block_id": block_id}
        return str(self.do("click", user=user, channel=channel, ts=ts, **what))

    def click_in_view(self, user: str, action_id: str, value: Any = None, view_id: str | None = None) -> str:
        """A person presses a button of their topmost modal, or of their Home tab when none is open."""
        return str(self.do("click_in_view", user=user, action_id=action_id, value=value, view_id=view_id))

    def submit(self, user: str, values: Json | None = None, view_id: str | None = None) -> str:
        """A person fills in their topmost modal, by action id, and submits it; gives the delivery's id."""
        return str(self.do("submit", user=user, values=values or {}, view_id=view_id))

    def suggest(self, user: str, action_id: str, query: str, channel: str | None = None, ts: str | None = None) -> str:
        """A person types in an external menu of their topmost modal, or of a message; gives the delivery's id."""
        what = {"action_id": action_id, "query": query, "channel": channel, "ts": ts}
        return str(self.do("suggest", user=user, **what))

    def close_view(self, user: str, view_id: str | None = None, everything: bool = False) -> str | None:
        """A person closes their topmost modal, or the whole stack at once with `everything`."""
        told = self.do("close_view", user=user, view_id=view_id, everything=everything)
        return str(told) if told else None

    def slash(self, user: str, channel: str, command: str, text: str = "") -> str:
        """A person types a slash command; gives the delivery's id."""
        return str(self.do("slash", user=user, channel=channel, command=command, text=text))

    def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> str:
        """A person picks the app's action from a message's menu; gives the delivery's id."""
        return str(self.do("message_shortcut", user=user, channel=channel, ts=ts, callback_id=callback_id))

    def global_shortcut(self, user: str, callback_id: str) -> str:
        """A person picks the app's action from the shortcuts menu, outside any message."""
        return str(self.do("global_shortcut", user=user, callback_id=callback_id))

    def open_home(self, user: str, tab: str = "home") -> None:
        """A person opens the app's Home tab, or its `messages` tab."""
        self.do("open_home", user=user, tab=tab)


class Looking(People):
    """What is there to see: messages, views, files, the calls the app made and what it was told."""

    def channel(self, name: str) -> Json:
        """A channel with its `id` and `members`."""
        return dict(self.do("channel", name=name))

    def user(self, name: str) -> Json:
        """A user with their `id` and `profile`."""
        return dict(self.do("user", name=name))

    def message(self, channel: str, ts: str) -> Json:
        """One message with its metadata and reactions."""
        return dict(self.do("message", channel=channel, ts=ts))

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """The channel's roots, or one thread with its root, oldest first, with metadata and reactions."""
        return list(self.do("messages", channel=channel, thread_ts=thread_ts))

    def threads(self, channel: str) -> list[Json]:
        """Every root with its `replies`, oldest first."""
        return list(self.do("threads", channel=channel))

    def ephemerals(self, user: str | None = None) -> list[Json]:
        """Messages that only one user sees, with `channel` and `shown_to`."""
        return list(self.do("ephemerals", user=user))

    def modals(self, user: str) -> list[Json]:
        """The modals a user has open, the topmost last, with the `errors` and the `trouble` shown in each."""
        return list(self.do("modals", user=user))

    def home(self, user: str) -> Json | None:
        """The Home tab published for a user."""
        home = self.do("home", user=user)
        return dict(home) if home else None

    def files(self) -> list[Json]:
        """Every file, its `content` as bytes."""
        return [{**file, "content": base64.b64decode(file["content"])} for file in self.do("files")]

    def calls(self, method: str | None = None) -> list[Json]:
        """The Web API calls the app made, in order: method, arguments, status, error, answer, fault."""
        return list(self.do("calls", method=method))

    def misuse(self) -> list[str]:
        """Unknown methods and arguments the app used, and answers Slack would not take."""
        return list(self.do("misuse"))

    def forgive(self) -> None:
        """Forget the misuse so far, in a test that meant it."""
        self.do("forgive")

    def deliveries(self, kind: str | None = None) -> list[Json]:
        """What the app was to be told (events_api, interactive, slash_commands): payload, attempts, state, answer."""
        return list(self.do("deliveries", kind=kind))

    def delivery(self, delivery_id: str) -> Json:
        """One delivery by id. Its state is pending, held, confirmed, failed or dropped."""
        return dict(self.do("delivery", delivery_id=delivery_id))

    def connections(self) -> list[Json]:
        """The sockets the app has open."""
        return list(self.do("connections"))

    def now(self) -> float:
        """Slack's time in Unix seconds."""
        return float(self.do("now"))

    def until(self, seen: Callable[[], Seen], timeout_s: float = 5.0) -> Seen:
        """Wait until `seen()` is true and give what it gave. Raises TimeoutError. Not for a test on the app's loop."""
        deadline = time.monotonic() + timeout_s
        while not (found := seen()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not seen within {timeout_s} s; last: {found!r}")
            time.sleep(POLL_S)
        return found

    async def eventually(self, seen: Callable[[], Seen], timeout_s: float = 5.0) -> Seen:
        """As `until`, for a test that shares its loop with the app."""
        deadline = time.monotonic() + timeout_s
        while not (found := seen()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not seen within {timeout_s} s; last: {found!r}")
            await asyncio.sleep(POLL_S)
        return found


class SlackHands(Looking):
    """All controls, with those that make trouble or change the setting."""

    def add_user(self, name: str, email: str | None = None, **more: Any) -> Json:
        """A new user; `visible=False`, `is_bot=True`, `team_id="T0OTHER"`, `deleted=True` make special ones."""
        return dict(self.do("add_user", name=name, email=email, **more))

    def add_channel(
        self, name: str, members: list[str] | None = None, private: bool = False, with_bot: bool = True
    ) -> Json:
        """A new channel."""
        people = {"members": members or [], "private": private, "with_bot": with_bot}
        return dict(self.do("add_channel", name=name, **people))

    def archive(self, channel: str, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self.do("archive", channel=channel, archived=archived)

    def lock_thread(self, channel: str, ts: str) -> None:
        """Lock a thread against replies."""
        self.do("lock_thread", channel=channel, ts=ts)

    def fault(self, method: str, times: int = 1, **fault: Any) -> None:
        """Let the next calls of a method go wrong: `status`, `error`, `retry_after_s`, `delay_s`, `drop`, `after_work`.

        Besides Web API methods there are `upload`, `download`, `response_url` and `*` for any method.
        """
        self.do("fault", method=method, times=times, **fault)

    def faults_left(self) -> Json:
        """Faults that no call has met yet, by method."""
        return dict(self.do("faults_left"))

    def clear_faults(self) -> None:
        """Take back every queued fault."""
        self.do("clear_faults")

    def drop_events(self, count: int = 1) -> None:
        """Lose the next events for good."""
        self.do("drop_events", count=count)

    def duplicate_events(self, count: int = 1) -> None:
        """Send the next events twice."""
        self.do("duplicate_events", count=count)

    def hold_events(self) -> None:
        """Keep events back until `release_events`."""
        self.do("hold_events")

    def release_events(self, reverse: bool = False) -> int:
        """Send what was held back, last first with `reverse`; gives how many."""
        return int(self.do("release_events", reverse=reverse))

    def repeat_event(self, delivery_id: str) -> None:
        """Send an event once more without saying that it is a retry."""
        self.do("repeat_event", delivery_id=delivery_id)

    def storm(self, seed: int, **weather: float) -> None:
        """From now on events are lost (`drop`), doubled (`duplicate`), `late` by up to `late_by_s` seconds and so out
        of order, each a share between 0 and 1, and sockets are cut (`disconnects_per_minute`). One seed, one fate.
        """
        self.do("storm", seed=seed, **weather)

    def calm(self) -> Json:
        """End the storm; gives how many events `passed`, were `lost`, `doubled`, `late`, and sockets `cut`."""
        return dict(self.do("calm"))

    def under_way(self) -> int:
        """How many deliveries are still being tried, late or waiting for a retry."""
        return int(self.do("under_way"))

    def revoke(self, uninstall: bool = False) -> None:
        """The app's token is revoked, or the app uninstalled: it is told so, its sockets close with `link_disabled`.

        Every call is answered `token_revoked` (`account_inactive` when uninstalled) until `install_again`.
        """
        self.do("revoke", uninstall=uninstall)

    def install_again(self) -> None:
        """The same token works again, and events come again."""
        self.do("install_again")

    def tell_app_rate_limited(self) -> None:
        """Slack says that it keeps events back because there were too many in an hour."""
        self.do("tell_app_rate_limited")

    def go_down(self, status: int | None = None) -> None:
        """Slack is gone: sockets break, calls find a cut connection (or this HTTP status) until `come_back`.

        Nothing is forgotten, and people go on among themselves.
        """
        self.do("go_down", status=status)

    def come_back(self) -> None:
        """Slack is there again."""
        self.do("come_back")

    def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask the app to reconnect: warning, refresh_requested, link_disabled or too_many_websockets."""
        return int(self.do("disconnect", reason=reason))

    def cut_connections(self) -> int:
        """Break every socket without a word."""
        return int(self.do("cut_connections"))

    def answer_pings(self, answers: bool) -> None:
        """Stop or resume answering pings; the SDK reconnects when pongs stay away."""
        self.do("answer_pings", answers=answers)

    def limit_rates(self, enabled: bool) -> None:
        """Switch the rate limits; they start afresh."""
        self.do("limit_rates", enabled=enabled)

    def confirm_within(self, seconds: float) -> None:
        """How long the app has to confirm a delivery."""
        self.do("confirm_within", seconds=seconds)

    def retry_after(self, delays_s: list[float]) -> None:
        """How long Slack waits before each further attempt at an event."""
        self.do("retry_after", delays_s=delays_s)

    def refuse_tokens(self, error: str | None) -> None:
        """Answer every call with token_revoked, account_inactive or invalid_auth; None ends it."""
        self.do("refuse_tokens", error=error)

    def advance(self, seconds: float) -> float:
        """Put Slack's clock forward; gives its time."""
        return float(self.do("advance", seconds=seconds))

    def deliver_to(self, url: str) -> None:
        """Send events and clicks by signed HTTP to this request URL, which must answer the challenge."""
        self.do("deliver_to", url=url)
