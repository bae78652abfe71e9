"""Slack as one channel of the desk: connects, listens over sockets or signed HTTP, and speaks.

Built on slack-bolt's ``AsyncApp``. The base URL is given and nothing is derived from it: socket, upload and file
addresses all come from the other side, so the app runs unchanged against any server that speaks Slack's protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import structlog

from channels.chat.presence import Presence
from channels.protocol import Hearing, Inbox, Looking, Now
from channels.slack.calls import call
from channels.slack.connection import Identity
from channels.slack.connection import SlackConnection as SlackConnection
from channels.slack.door import Door
from channels.slack.hearing.leaving import Leaving
from channels.slack.hearing.listener import SlackListener
from channels.slack.hearing.sweep import Sweep
from channels.slack.hearing.sweep_reads import SweepReads
from channels.slack.people import People
from channels.slack.pulse import Pulse
from channels.slack.reachable import WORKSPACE, Reachable
from channels.slack.requests import EVENTS_PATH as EVENTS_PATH
from channels.slack.requests import SignedRequests
from channels.slack.signature import Signatures
from channels.slack.sockets import Sockets
from channels.slack.speaking.files import SlackFiles
from channels.slack.speaking.history import History
from channels.slack.speaking.links import Links
from channels.slack.speaking.sender import METADATA_TYPE, SlackSender
from rules.effects import OutboxEntry, Receipt
from rules.errors import DeliveryError, StoreAwayError, TemporaryDeliveryError, UncertainDeliveryError
from rules.policy import Policy

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

Done = TypeVar("Done")

CALL_MOST_S = 15.0
START_WAIT_S = 10.0
CATCH_UP_MOST_S = 5.0
"""So long a start waits for Slack; after that the desk runs without it and goes on trying."""

FINISH_MOST_S = 3.0
AT_ONCE, AT_ONCE_ON_TRIAL = 256, 8
"""How many posts may be under way, most of which wait for their turn."""

RETRY_MOST_S = 60.0


class SlackChannel:
    """The desk's chat in Slack: a ``Listener`` and a ``Sender``.

    Of several processes every one hears, writes down and answers clicks. One leads (``leads``): it takes in what was
    heard, in order, sweeps, and posts at Slack's pace.
    """

    name = "chat"

    def __init__(
        self,
        connection: SlackConnection,
        *,
        hearing: Hearing,
        inbox: Inbox,
        looking: Looking,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
        presence: Presence | None = None,
        leads: bool = True,
    ) -> None:
        self._connection = connection
        self.leads = leads
        self.presence = presence or Presence()
        self._hearing = hearing
        self._inbox = inbox
        self._looking = looking
        self._policy = policy
        self._now = now
        self._executor = executor
        self.reachable = Reachable(now)
        self._pulse: Pulse | None = None
        self._identity: Identity | None = None
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._sender: SlackSender | None = None
        self._listener: SlackListener | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._sockets: Sockets | None = None
        self._requests: SignedRequests | None = None
        self._sweep: Sweep | None = None
        self._busy: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._introduced = False

    @property
    def at_once(self) -> int:
        """How many posts may be under way: none while Slack is away or another leads, a few while it is on trial."""
        if not self.leads or self.reachable.is_closed(WORKSPACE):
            return 0
        return AT_ONCE_ON_TRIAL if self.reachable.on_trial else AT_ONCE

    @property
    def listening(self) -> str:
        """Where signed HTTP events are heard (``127.0.0.1:3000``); empty in socket mode."""
        return self._requests.listening if self._requests else ""

    @property
    def problem(self) -> str:
        """Why Slack cannot tell us anything, in words for the log and the alarm; empty when nothing is known."""
        return self._sockets.problem if self._sockets else ""

    @property
    def set_aside(self) -> int:
        """How much of what was heard a bug of ours keeps from being taken in; it is tried again at the next start."""
        return len(self._listener.inbox.set_aside) if self._listener else 0

    async def start(self) -> None:
        """Connect and hear. When Slack does not answer in time the desk starts without it, and it is tried again."""
        self._stopping = False
        app = self._assemble()
        assert self._listener is not None
        if self.leads:
            await self._listener.inbox.start()
        if self._connection.mode == "http":
            self._requests = SignedRequests(app, Signatures(self._connection.signing_secret), self._around)
            await self._requests.open(*self._connection.listen, reuse_port=self._connection.shared)
        if self._client:
            self._pulse = Pulse(self._client, self.reachable)
            self._pulse.start()
        self._connecting = asyncio.create_task(self._connect(app))
        await asyncio.wait({self._connecting}, timeout=START_WAIT_S)
        if not self._connecting.done():
            log.error("slack_late", problem="Slack did not answer; the desk starts without it and goes on trying")
            return
        # Nothing leaves before the doors are open: a reply in its hold may be among what was deleted.
        await self._listener.inbox.caught_up(CATCH_UP_MOST_S)

    async def lead(self) -> None:
        """Take in, sweep and post from now on: no other process does. Raises StoreError; then it does not lead."""
        if self.leads or self._stopping:
            return
        if self._listener:
            await self._listener.inbox.start()
        self.leads = True
        if self._sender:
            self._sender.begin_anew()
        if self._sweep and self._introduced:
            self._sweep.start()

    async def stand_back(self) -> None:
        """Leave that to another process; what is half done is finished."""
        if not self.leads:
            return
        self.leads = False
        if self._sender:
            self._sender.put_back()
        if self._sweep:
            await self._sweep.stop()
        if self._listener:
            await self._listener.inbox.stop()

    async def look_again(self) -> None:
        """Take in what other processes heard, if this one leads. Raises StoreError."""
        if self.leads and self._listener and not self._stopping:
            await self._listener.inbox.look_again()

    async def stop(self) -> None:
        """Hear nothing new, let what is half heard or half sent finish, and let the connections go."""
        self._stopping = True
        self.let_go()
        if self._pulse:
            await self._pulse.stop()
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._sweep:
            await self._sweep.stop()
        current = asyncio.current_task()
        waiting = {task for task in self._busy if task is not current}
        if waiting:
            await asyncio.wait(waiting, timeout=FINISH_MOST_S)
        if self._listener:
            await self._listener.finish()
        if self._sockets:
            await self._sockets.close()
        if self._requests:
            await self._requests.close()
        if self._session:
            await self._session.close()
            self._session = None

    def let_go(self) -> None:
        """Send back to the outbox what waits for its turn, so that a stop need not wait for Slack's pace."""
        if self._sender:
            self._sender.let_go()

    def changed(self) -> None:
        """Tickets changed; open Home tabs and forms follow. On the event loop only."""
        if self._listener and not self._stopping:
            self._listener.changed()

    async def connected(self) -> bool:
        """Whether events can reach us now, for ``/healthz``."""
        if self._identity is None or self._stopping:
            return False
        if self._connection.mode == "http":
            return bool(self.listening)
        return self._sockets is not None and await self._sockets.up()

    async def sweep(self) -> None:
        """Look through Slack now, whole, for what nobody told. Raises TemporaryDeliveryError, StoreError."""
        if self._sweep:
            await self._sweep.whole_round()

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Deliver one entry. Raises TemporaryDeliveryError, PermanentDeliveryError or UncertainDeliveryError."""
        if self._sender is None or self._stopping:
            raise TemporaryDeliveryError("Slack is not connected.", untried=True)
        async with self._half_done():
            try:
                return await self._sender.send(entry)
            except StoreAwayError as problem:
                # It may have been in the middle: whether it is there is looked for once the desk can read again.
                raise UncertainDeliveryError(f"The desk's database went away: {problem}") from problem

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Look whether an entry of unknown fate is in Slack.

        Raises UncertainDeliveryError when Slack cannot tell, TemporaryDeliveryError when it cannot be asked now.
        """
        if self._sender is None or self._stopping:
            raise TemporaryDeliveryError("Slack is not connected and cannot be asked.")
        async with self._half_done():
            try:
                return await self._sender.find(entry)
            except StoreAwayError as problem:
                raise TemporaryDeliveryError(f"The desk's database is away: {problem}") from problem

    def _assemble(self) -> AsyncApp:
        """Build the client, the ears and the mouth. slack-bolt is imported here, as only a running desk needs it."""
        from slack_bolt.async_app import AsyncApp

        from channels.slack.web_client import PostingClient

        known = self._connection
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_MOST_S))
        # Without retry handlers: the client's own second try of a broken post would post it twice.
        base_url = known.api_url.rstrip("/") + "/"
        shape: dict[str, Any] = {"base_url": base_url, "session": self._session, "retry_handlers": []}
        client = self._client = PostingClient(token=known.bot_token, **shape)
        people, files = People(client, self._policy, self._now, self._team), SlackFiles(client, self._session)
        links = Links(client)
        given: dict[str, Any] = {"looking": self._looking, "policy": self._policy, "now": self._now}
        given["executor"] = self._executor
        self._sender = SlackSender(
            client, people, files, links, channel=known.channel, posts_per_second=known.posts_per_second,
            reachable=self.reachable, **given,
        )  # fmt: skip
        door = Door(
            client=client, people=people, history=History(client, METADATA_TYPE), files=files, links=links,
            hearing=self._hearing, inbox=self._inbox, own_user=self._own_user, team=self._team,
            presence=self.presence, **given,
        )  # fmt: skip
        leaving = Leaving(own_user=self._own_user, lost=self.reachable.lost, back=self.reachable.open)
        self._listener = SlackListener(door, leaving, settle_s=known.settle_s, shared=known.shared)
        reads = SweepReads(client, calls_a_minute=known.sweep_calls)
        self._sweep = Sweep(door, self._listener.inbox, reads, self._channels, every_s=known.sweep_every_s)
        self._listener.missed = self._sweep.soon

        async def authorize() -> AuthorizeResult:
            return self._authorize()

        app = AsyncApp(
            name="deskbell",
            client=PostingClient(**shape),
            authorize=authorize,
            signing_secret=known.signing_secret or None,
            process_before_response=True,
        )
        self._listener.register(app)
        return app

    async def _connect(self, app: AsyncApp) -> None:
        """Learn who we are and open the sockets, however long it takes."""
        wait_s = 1.0
        while not await self._introduce():
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RETRY_MOST_S)
        assert self._client is not None
        assert self._sweep is not None
        if self._connection.mode == "socket":
            token, sweep = self._connection.app_token, self._sweep
            felt = self._connection.ping_every_s
            self._sockets = Sockets(app, token, self._client, self._around, sweep.soon, ping_every_s=felt)
            await self._sockets.open(self._connection.sockets)
        self._introduced = True
        if self.leads:
            self._sweep.start()
        log.info("slack_connected", mode=self._connection.mode, channel=self._connection.channel)

    async def _introduce(self) -> bool:
        assert self._client is not None
        try:
            told = await call("auth.test", self._client.auth_test(), repeatable=True)
        except DeliveryError as problem:
            self.reachable.lost(WORKSPACE, str(problem))
            log.error("slack_unreachable", problem=str(problem))
            return False
        self._identity = Identity(
            team=str(told.get("team_id") or ""), user=str(told.get("user_id") or ""), bot=str(told.get("bot_id") or "")
        )
        return True

    async def _around(self, doing: Callable[[], Awaitable[Done]]) -> Done | None:
        """Do what Slack told us of, unless we are stopping: then it is not confirmed, and Slack tells it again."""
        if self._stopping:
            return None
        async with self._half_done():
            return await doing()

    def _authorize(self) -> AuthorizeResult:
        """Who the app is, known since the start: asking Slack for every event could lose one.

        Raises TemporaryDeliveryError before that is known; Slack then delivers again.
        """
        from slack_bolt.authorization import AuthorizeResult

        who = self._identity
        if who is None:
            raise TemporaryDeliveryError("Slack has not told yet who we are.")
        return AuthorizeResult(
            enterprise_id=None,
            team_id=who.team,
            bot_user_id=who.user,
            bot_id=who.bot,
            bot_token=self._connection.bot_token,
        )

    def _channels(self) -> tuple[str, ...]:
        """The channels that the desk uses."""
        chat = self._policy().chat
        return tuple(dict.fromkeys((self._connection.channel, *chat.channels, *chat.requests)))

    def _team(self) -> str:
        return self._identity.team if self._identity else ""

    def _own_user(self) -> str:
        return self._identity.user if self._identity else ""

    @asynccontextmanager
    async def _half_done(self) -> AsyncIterator[None]:
        """Remember what is under way, so that a stop waits for it."""
        task = asyncio.current_task()
        if task is None or task in self._busy:
            yield
            return
        self._busy.add(task)
        try:
            yield
        finally:
            self._busy.discard(task)
