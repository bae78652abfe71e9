"""The composition root: every part of a running desk is made and joined here, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar, TypeVarTuple

import structlog

from bot.accounts import imap_settings, relay_settings, slack_connection
from bot.archivist import Archivist
from bot.backup_schedule import BackupSchedule
from bot.chat_inbox import ChatInbox
from bot.claims import Claims
from bot.clock import Clock
from bot.config import Config
from bot.contact import Contact, may_pass
from bot.counter import Counter
from bot.degraded import LOOKS_EVERY_S, WORKSPACE, Degraded, Troubles
from bot.desk import Desk
from bot.health import Doctor
from bot.indexer import Indexer
from bot.logins import logins_of
from bot.mail_in import mail_listeners
from bot.news import News
from bot.office import Office
from bot.outbox import Delivery
from bot.reconciling import DailyProof, of_listeners
from bot.roles import DIGESTS, ROUNDS, SPEAKER, Roles, reader_of
from bot.scheduler import Ticker
from bot.settings import MailSettings
from bot.sharing import Parts, Sharing
from bot.signing import console_token
from bot.watching import ChatState, Doubt, Watched, Watcher
from bot.window import Window
from channels.chat.presence import Presence
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.imap_in import ImapListener
from channels.mail.maildir import Maildir
from channels.mail.smtp_out import Relay
from channels.protocol import Sender
from channels.slack.app import SlackChannel
from channels.web.channel import WebChannel
from rules.draft import CHAT
from rules.effects import Mail, owed_since
from rules.errors import StoreAwayError, StoreError, TemporaryDeliveryError
from rules.policy import Mailbox, Policy
from storage.files import DISK
from storage.protocol import Store
from storage.search import Search

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

log = structlog.get_logger()

_PATIENCE_S = 4.0

ROUNDS_S = 30
"""How often the desk looks after itself, in seconds."""

OTHERS_FIRST_S = 0.05
"""So long what another process owes is left to it before this one looks, so that they do not wait for each other."""

THREADS = 64
"""Worker threads: each waits for its own commit, and waiting together is what makes group commit cheap."""


class Door(Protocol):
    """A part that is opened and closed."""

    async def start(self) -> None:
        """Open."""

    async def stop(self) -> None:
        """Close, after what is half done."""


class House:
    """A desk with all its channels. ``run`` returns when asked to stop and raises StoreError when the disk fails."""

    def __init__(self, config: Config, store: Store, clock: Clock, *, jitter: random.Random | None = None) -> None:
        """Put the parts together; nothing listens yet. Call on the event loop."""
        self.config = config
        self.store = store
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self.failed = False
        self._stop = asyncio.Event()
        self._filling: set[asyncio.Task[None]] = set()
        self._news = News(self._on_change)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="desk")
        self.desk = Desk(store, config.policy, clock, self._news.ours)
        self.contact = Contact(clock)
        self.roles = Roles(store, (ROUNDS, DIGESTS, *((SPEAKER,) if config.settings.slack else ())))
        self._indexer = Indexer(Search(store, config.settings.data_dir), self._executor)
        self.window = Window(store, self._indexer.search)
        self.presence = Presence()
        self.web = self._make_web()
        self.slack = self._make_slack()
        self.smtp = mail_listeners(
            config, self.desk, clock, self._executor, store.together, expect=store.expect, reuse_port=store.shared
        )
        self._logins = logins_of(config.settings.mail, config.settings.data_dir, clock.now)
        self._imap = self._make_imap()
        self._senders = self._make_senders()
        chance = jitter or random.SystemRandom()
        self._claims = Claims(self.desk, self.contact)
        self.delivery = Delivery(self._claims, self._senders, clock, self._executor, chance, alone=not store.shared)
        self._ticker = Ticker(self.tick)
        self._rounds = Ticker(self.make_rounds, every_s=ROUNDS_S)
        self._watch = Ticker(self.watch, every_s=ROUNDS_S)
        self._degraded = Degraded(self.desk, clock)
        self._lookout = Ticker(self.look_after_chat, every_s=LOOKS_EVERY_S)
        if self.slack:
            self.slack.reachable.on_open = lambda where: self.delivery.hurry()
            self.slack.reachable.on_back = self._chat_is_back
        listings = of_listeners(self._imap)
        self._proof = DailyProof(self.desk, listings, clock, self.roles)
        self._archivist = Archivist(store, clock, lambda: self.config.settings.archive_after)
        self._backups = BackupSchedule(config, clock, self.roles)
        self._watcher = Watcher(self.desk, self._watched(), clock, self.roles)
        office = Office(self.desk, clock, listings, self._indexer.search)
        self._counter = Counter(config.settings.data_dir, office, self._executor)
        parts = Parts(
            store=store, roles=self.roles, claims=self._claims, contact=self.contact, delivery=self.delivery,
            slack=self.slack, in_thread=self._in_thread,
        )  # fmt: skip
        self._sharing = Sharing(parts, self._news.others)

    @property
    def listening(self) -> dict[str, str]:
        """Where the desk listens, for the ready line (contract.md)."""
        found: dict[str, str] = {}
        for kind, lmtp in (("smtp", False), ("lmtp", True)):
            for place, listener in enumerate((one for one in self.smtp if one.lmtp is lmtp), start=1):
                found[kind if place == 1 else f"{kind}{place}"] = _told(listener.listening)
        found["web"] = _told(self.web.address)
        if self.slack and self.slack.listening:
            found["slack"] = self.slack.listening
        return found

    async def run(self, opened: Callable[[], None] = lambda: None) -> None:
        """Open every door, call ``opened``, work until ``stop``, then finish what is half done."""
        started: list[Door] = []
        delivering: asyncio.Task[None] | None = None
        try:
            await self._in_thread(self.desk.start)
            await self._sharing.start()
            # Commands open a shared store by themselves.
            counter = () if self.store.shared else (self._counter,)
            doors: list[Door] = [*counter, self.web, *self._chat(), *self.smtp, *self._imap]
            for door in doors:
                await door.start()
                started.append(door)
            delivering = asyncio.create_task(self.delivery.run())
            delivering.add_done_callback(lambda _: self._stop.set())
            for ticker in (self._ticker, self._rounds, self._watch, self._lookout, self._backups, self._indexer):
                await ticker.start()
                started.append(ticker)
            opened()
            shared = {"roles": self.roles.held} if self.store.shared else {}
            log.info("ready", listening=self.listening, pid=os.getpid(), **shared)
            await self._stop.wait()
        finally:
            await self._end(started, delivering)

    def stop(self) -> None:
        """Ask ``run`` to come to its end. Call on the event loop."""
        self._stop.set()

    async def reload(self, config: Config) -> None:
        """Decide by a new configuration from now on; where the desk listens changes only with a restart."""
        if config.settings != self.config.settings:
            log.warning("reload", problem="addresses, accounts and folders change only with a restart")
        self.config = config.beside(self.config)
        await self._in_thread(self.desk.reload, self.config.policy)
        log.info("reloaded")

    async def tick(self) -> None:
        """Ring what is due."""
        await self._or_stop(self._ring_due)

    def _ring_due(self) -> None:
        while self.desk.ring_due(desk_wide=self.roles.has(DIGESTS)) and not self._stop.is_set():
            # There may be more: after downtime many are due at once.
            continue
        self.contact.back()

    async def make_rounds(self) -> None:
        """Look after the desk itself: compare the mailboxes with their ledgers, put old tickets away."""
        await self._or_stop(self._proof.make_due)
        if self.roles.has(ROUNDS):
            await self._or_stop(self._archivist.move)

    async def watch(self) -> None:
        """Look after the desk itself: what is wrong becomes an alarm, and a mail to itself goes its round."""
        connected = await self.slack.connected() if self.slack else None
        await self._or_stop(self._watcher.look, connected, self._chat_state())

    def _chat_state(self) -> ChatState | None:
        """Where chat takes nothing; what it did not take counts too where nobody knows of a trouble."""
        if self.slack is None:
            return None
        stuck = self.delivery.stuck(CHAT)
        doubts = {WORKSPACE: Doubt(since_at=owed_since(stuck), problem=stuck.problem)} if stuck else {}
        reachable = self.slack.reachable
        return ChatState(
            troubles=reachable.troubles or doubts, reached=reachable.reached, set_aside=self.slack.set_aside
        )

    async def look_after_chat(self) -> None:
        """Have mailed what chat does not take in time."""
        if self.slack is None or not self.roles.has(SPEAKER):
            return
        troubles, waits_since = self.slack.reachable.troubles, self.delivery.waits_since(CHAT)
        await self._or_stop(self._mail_for_chat, troubles, waits_since, self.delivery.put_off(CHAT))

    def _mail_for_chat(self, troubles: Troubles, waits_since: datetime | None, put_off: Sequence[str]) -> None:
        gone = self._degraded.look(troubles, waits_since, put_off)
        if gone:
            self._loop.call_soon_threadsafe(self.delivery.forget, gone)

    def _chat_is_back(self, where: str) -> None:
        """Called on the loop when chat, or one channel of it, takes what it is given again."""
        self.delivery.hurry()
        filling = self._loop.create_task(self._or_stop(self._degraded.back))
        self._filling.add(filling)
        filling.add_done_callback(self._filling.discard)

    async def _or_stop(self, call: Callable[[*Ts], None], *args: *Ts) -> None:
        """A store that fails stops the desk: it must not go on without writing things down.

        A database that is away is waited for: the next round of whatever this is comes soon.
        """
        if self.contact.rests:
            return
        try:
            await self._in_thread(call, *args)
        except StoreError as problem:
            if may_pass(self.store, problem):
                self.contact.lost(problem)
                return
            log.exception("the store failed; the desk stops")
            self.failed = True
            self._stop.set()

    async def _end(self, started: Sequence[Door], delivering: asyncio.Task[None] | None) -> None:
        """Stop hearing, then deliver what was claimed, then let the lines go; the first problem met is raised."""
        speaks = (self.web, self.slack)
        problems = [await _ended(self._sharing.stand_back())]
        problems += [await _ended(door.stop()) for door in reversed(started) if door not in speaks]
        if self.slack:
            self.slack.let_go()
        self.delivery.stop()
        problems += [await _ended(delivering)] if delivering else []
        problems.append(await _ended(self._sharing.stop()))
        problems += [await _ended(sender.stop()) for sender in self._senders.values()]
        problems.append(await _ended(self.web.stop()))
        self._executor.shutdown(wait=True)
        for problem in filter(None, problems):
            raise problem

    def _on_change(self, news: Sequence[int], ours: bool) -> None:
        if ours:
            self._claims.owes()
            self.delivery.wake()
        else:
            self._loop.call_later(OTHERS_FIRST_S, self.delivery.wake)
        self._indexer.note(news, ours)
        for number in news:
            self.web.changed(number)
        if self.slack and news:
            self.slack.changed()

    def _watched(self) -> Watched:
        return Watched(
            boxes=self.config.settings.mail,
            folder=self.config.settings.data_dir,
            listeners={listener.name.removeprefix("imap:"): listener for listener in self._imap},
            relays={name.removeprefix("mail:"): one for name, one in self._senders.items() if isinstance(one, Relay)},
            logins=self._logins.every,
            backup=self._backups.finding,
        )

    async def _in_thread(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        return await self._loop.run_in_executor(self._executor, call, *args)

    def _parts(self) -> dict[str, str]:
        """How each mailbox that is watched is, and chat, for ``/healthz``."""
        parts = {listener.name: "unreachable" if listener.problem else "ok" for listener in self._imap}
        if self.store.shared:
            held = self.roles.held
            parts |= {one.name: "ok, another process reads it" for one in self._imap if one.name not in held}
            parts["roles"] = f"ok: {', '.join(held) or 'none'}"
        parts |= self._backups.told()
        if self.slack:
            connected = asyncio.run_coroutine_threadsafe(self.slack.connected(), self._loop).result(_PATIENCE_S)
            parts["slack"] = "ok" if connected else self.slack.problem or "not connected"
            if self.slack.set_aside:
                parts["slack inbox"] = f"warning: {self.slack.set_aside} put aside, see slack_put_aside in the log"
            for where, trouble in self.slack.reachable.troubles.items():
                parts[f"slack {where}".rstrip()] = (
                    f"takes nothing since {trouble.since_at:%Y-%m-%dT%H:%MZ}: {trouble.problem}"
                )
        return parts

    def _policy(self) -> Policy:
        return self.desk.policy

    def _make_web(self) -> WebChannel:
        settings = self.config.settings.web
        return WebChannel(
            listen=str(settings.listen),
            token=console_token(self.config.settings.data_dir, self.store),
            hearing=self.desk,
            window=self.window,
            policy=self._policy,
            now=self.clock.now,
            executor=self._executor,
            health=Doctor(self.store, self.clock, self._parts, self.contact),
            public_url=settings.public_url,
            presence=self.presence,
            intake=lambda: self.listening.get("smtp", ""),
            reuse_port=self.store.shared,
        )

    def _make_slack(self) -> SlackChannel | None:
        settings = self.config.settings.slack
        if settings is None:
            return None
        return SlackChannel(
            replace(slack_connection(settings), shared=self.store.shared),
            hearing=self.desk, inbox=ChatInbox(self.store), looking=self.window,
            policy=self._policy, now=self.clock.now, executor=self._executor, presence=self.presence,
            leads=not self.store.shared,
        )  # fmt: skip

    def _chat(self) -> tuple[SlackChannel, ...]:
        return (self.slack,) if self.slack else ()

    def _make_imap(self) -> list[ImapListener]:
        own, listeners = OwnAddresses(self.config.policy.mailboxes), []
        for box in self.config.settings.mail:
            if box.imap:
                mailbox = self.config.policy.mailbox(box.name)
                listeners.append(
                    ImapListener(
                        imap_settings(box.imap, self._logins.imap.get(box.name)), mailbox=mailbox,
                        hearing=self.desk, ledger=self.desk, own=own,
                        now=self.clock.now, left_alone=self.desk.left_alone,
                        role=self.roles.role(reader_of(box.name)),
                    )
                )  # fmt: skip
        return listeners

    def _make_senders(self) -> Mapping[str, Sender]:
        senders: dict[str, Sender] = {"chat": self.slack or self.web}
        for box in self.config.settings.mail:
            senders[f"mail:{box.name}"] = self._make_mail_sender(box, self.config.policy.mailbox(box.name))
        return senders

    def _make_mail_sender(self, box: MailSettings, mailbox: Mailbox) -> Sender:
        own = OwnAddresses(self.config.policy.mailboxes)
        write = partial(self._write, mailbox, own)
        name, settings = f"mail:{box.name}", box.smtp_out
        if settings.maildir:
            return Maildir(name, settings.maildir, write=write, now=self.clock.now, files=DISK, executor=self._executor)
        return Relay(
            name, relay_settings(settings, self._logins.smtp_out.get(box.name)),
            mailbox=mailbox, own=own, write=write, now=self.clock.now, executor=self._executor,
        )  # fmt: skip

    def _write(self, mailbox: Mailbox, own: OwnAddresses, mail: Mail) -> bytes:
        try:
            return compose(mail, mailbox=mailbox, own=own, now=self.clock.now(), files=self.window.file)
        except StoreAwayError as problem:
            # Nothing has left yet, and its files cannot be read now.
            again = timedelta(seconds=5)
            raise TemporaryDeliveryError(f"The desk's database is away: {problem}", again, untried=True) from problem


async def _ended(end: Awaitable[None]) -> BaseException | None:
    """Wait for one part's end; what goes wrong in it must not keep the other parts from theirs."""
    (outcome,) = await asyncio.gather(end, return_exceptions=True)
    return outcome


def _told(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
