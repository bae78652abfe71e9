"""Watches the desk itself: mailboxes, ways out, chat, certificates, disk; findings become alarms (complaint 6)."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.clock import Clock, ahead_of_machine
from bot.degraded import WORKSPACE, Trouble
from bot.desk import Desk
from bot.roles import ROUNDS, SPEAKER, Roles, reader_of
from bot.settings import MailSettings
from channels.mail.certificates import file_expires_at
from rules import probing
from rules.alarms import Finding, on_watch, relay_key
from rules.draft import CHAT
from rules.effects import FIRST_TRY, OutboxEntry, OutboxState
from rules.hours import between
from rules.model import Alarm, Decision, Heartbeat
from storage.protocol import Reader

RELAY_AFTER = timedelta(minutes=15)
"""So long a mail may wait while the relay takes none, before that is an alarm."""

LEAST_FREE_MB, ENOUGH_FREE_MB = 500, 600
CERTIFICATE_WARNINGS = (timedelta(days=14), timedelta(days=7), timedelta(days=1))
TOKEN_WARNING = timedelta(days=7)

_SLEPT = timedelta(minutes=5)
_REMEMBERED = timedelta(minutes=5)
_READ_AGAIN = timedelta(hours=1)
_WAITING = (OutboxState.QUEUED, OutboxState.SENDING)
_NEVER = datetime.min.replace(tzinfo=UTC)

Facts = Mapping[str, str | timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something waits for chat since then, and that is all that is known."""

    since_at: datetime
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatState:
    """Where nothing can be said in chat, in which channels something was since the start, and what is put aside.

    ``set_aside`` counts what was heard and cannot be taken in, because of a bug of ours.
    """

    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    reached: Collection[str] = ()
    set_aside: int = 0


class Fetches(Protocol):
    """A mailbox that is watched on a server."""

    name: str
    looked_at: datetime | None
    problem: str
    certificate_ends_at: datetime | None


class Shows(Protocol):
    """A way out that has seen its server's certificate, if there is one."""

    certificate_ends_at: datetime | None


class Renews(Protocol):
    """A login by OAuth that is renewed from time to time; ``problem`` is empty while that works."""

    mailbox: str
    problem: str
    renewed_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What there is to watch: listeners, ways out and logins, by name of the mailbox; the folder we write to."""

    boxes: Sequence[MailSettings]
    folder: Path
    listeners: Mapping[str, Fetches] = field(default_factory=dict)
    relays: Mapping[str, Shows] = field(default_factory=dict)
    logins: Mapping[str, Renews] = field(default_factory=dict)
    backup: Callable[[], Finding | None] = lambda: None
    free_mb: Callable[[Path], int] = field(default=lambda folder: free_megabytes(folder))


class Watcher:
    """Looks at everything once a round. Called from one worker thread at a time.

    Of several processes each looks at what is its own: the mailboxes it reads, the chat it speaks in; one at the rest.
    What another looks at is left as it stands.
    """

    def __init__(self, desk: Desk, watched: Watched, clock: Clock, roles: Roles | None = None) -> None:
        self._desk = desk
        self._roles = roles or Roles(desk.store)
        self._reads_since: dict[str, datetime] = {}
        self._watched = watched
        self._clock = clock
        self._since = self._round_at = clock.now()
        self._chat_away_since: datetime | None = None
        self._stuck_at: dict[str, datetime] = {}
        self._files: dict[Path, tuple[datetime, datetime | None]] = {}

    def look(self, chat_connected: bool | None, chat: ChatState | None = None) -> None:
        """One round: raise, repeat and end alarms, then send a probe if one is due. ``None``: there is no chat to lose.

        ``chat`` says whether chat can be spoken to, where that is known. Raises StoreError.
        """
        now = self._clock.now()
        if now - self._round_at > _SLEPT:
            # The machine slept or was stopped: what is old now could not be any younger.
            self._since, self._chat_away_since = now, None
            self._reads_since.clear()
        self._round_at = now
        seen = [*self._mailboxes(now), *self._certificates(now), *self._logins(now)]
        if self._roles.has(ROUNDS):
            seen += [self._disk(), self._time(), *filter(None, [self._watched.backup()])]
        if chat_connected is not None and self._roles.has(SPEAKER):
            seen += self._chat(chat_connected, chat or ChatState(), now)
        self._desk.review(f"watch:{now.isoformat()}", lambda reader: self._decided(reader, seen, now), "watched")
        if self._desk.policy.probe is not None and self._roles.has(ROUNDS):
            self._desk.review(f"probing:{now.isoformat()}", lambda reader: self._probed(reader, now), "probed")

    def _decided(self, reader: Reader, seen: Sequence[Finding], now: datetime) -> Decision:
        beats = {beat.mailbox: beat for beat in reader.heartbeats()}
        fresh = self._heard(beats, now)
        beats.update({beat.mailbox: beat for beat in fresh})
        findings = list(seen)
        if self._roles.has(ROUNDS):
            findings += [*self._relays(reader, now), *self._silent(beats, now), *self._probes(beats, now)]
        standing = reader.alarms()
        findings += self._looked_at_elsewhere({finding.key for finding in findings}, standing)
        decision = on_watch(findings, standing, self._desk.policy, now)
        return replace(decision, heartbeats=tuple(fresh))

    def _looked_at_elsewhere(self, seen: Collection[str], standing: Sequence[Alarm]) -> Iterator[Finding]:
        """Alarms that are another process's to end."""
        theirs = {
            key
            for box in self._watched.boxes
            if box.imap and not self._reads(box.name)
            for key in (
                f"mailbox:{box.name}",
                f"certificate:{box.name}.imap",
                f"token:{box.name}",
                f"token:{box.name}.smtp_out",
            )
        }
        for alarm in standing:
            of_chat = alarm.key == "set_aside" or alarm.key.partition(":")[0] == CHAT
            ours = self._roles.has(SPEAKER if of_chat else ROUNDS) and alarm.key not in theirs
            if alarm.key not in seen and not ours:
                yield Finding(key=alarm.key, known=False)

    def _reads(self, mailbox: str) -> bool:
        return self._roles.has(reader_of(mailbox))

    def _probed(self, reader: Reader, now: datetime) -> Decision:
        plan = self._desk.policy.probe
        beat = next((beat for beat in reader.heartbeats() if plan and beat.mailbox == plan.mailbox), None)
        return probing.on_round(beat, self._desk.policy, now)

    def _mailboxes(self, now: datetime) -> Iterator[Finding]:
        """Mailboxes that could not be looked at: no answer, wrong login, throttled (complaints 6, 12)."""
        for box in self._watched.boxes:
            listener = self._watched.listeners.get(box.name)
            if box.imap is None or listener is None:
                continue
            if not self._reads(box.name):
                self._reads_since.pop(box.name, None)
                continue
            # Whoever took it over from another process has not neglected it until then.
            since = self._reads_since.setdefault(box.name, now if self._desk.store.shared else self._since)
            last = self._last_sign(box, listener)
            silence, key = now - max(last or since, since, self._since), f"mailbox:{box.name}"
            if silence >= box.imap.alarm_after:
                problem = listener.problem or "the server does not answer"
                facts: Facts = {"mailbox": box.name, "time": silence, "problem": problem}
                yield Finding(key=key, kind="mailbox_unread", facts=facts)
            else:
                yield Finding(key=key, known=last is not None and not listener.problem)

    def _last_sign(self, box: MailSettings, listener: Fetches) -> datetime | None:
        """When a mailbox was last looked at; one that takes in thousands of mails looks up late, and is well."""
        heard_at = self._desk.signs.heard_at.get(f"mail:{box.name}")
        if box.smtp_in or box.lmtp_in or heard_at is None:
            return listener.looked_at
        return max(heard_at, listener.looked_at or heard_at)

    def _heard(self, beats: Mapping[str, Heartbeat], now: datetime) -> list[Heartbeat]:
        """What must be remembered of when new mail last came, so that a restart does not forget a silence."""
        fresh = []
        for box in self._watched.boxes:
            if box.expect_mail_every is None:
                continue
            beat = beats.get(box.name, Heartbeat(mailbox=box.name))
            heard_at = self._desk.signs.new_mail_at.get(f"mail:{box.name}")
            if beat.heard_at is None:
                fresh.append(replace(beat, heard_at=heard_at or now))
            elif heard_at is not None and heard_at - beat.heard_at >= _REMEMBERED:
                fresh.append(replace(beat, heard_at=heard_at))
        return fresh

    def _silent(self, beats: Mapping[str, Heartbeat], now: datetime) -> Iterator[Finding]:
        """Mailboxes that bring no new mail for longer than expected, in the desk's service hours."""
        policy = self._desk.policy
        for box in self._watched.boxes:
            beat = beats.get(box.name)
            if box.expect_mail_every is None or beat is None or beat.heard_at is None:
                continue
            silence = between(policy.calendars[policy.calendar], beat.heard_at, now)
            kind = "mailbox_silent" if silence >= box.expect_mail_every else ""
            yield Finding(key=f"silent:{box.name}", kind=kind, facts={"mailbox": box.name, "time": silence})

    def _probes(self, beats: Mapping[str, Heartbeat], now: datetime) -> Iterator[Finding]:
        plan = self._desk.policy.probe
        if plan is None:
            return
        beat, key = beats.get(plan.mailbox), f"probe:{plan.mailbox}"
        missed_since = probing.overdue_since(beat, plan, now)
        if missed_since is None:
            yield Finding(key=key, known=beat is not None and beat.back_at is not None)
        elif now - self._since >= 2 * plan.every:
            yield Finding(key=key, kind="probe", facts={"mailbox": plan.mailbox, "time": now - missed_since})
        else:
            # While the desk was down nobody could take it in.
            yield Finding(key=key, known=False)

    def _relays(self, reader: Reader, now: datetime) -> Iterator[Finding]:
        """Relays that take nothing while mail waits for them."""
        boxes = [box for box in self._watched.boxes if not box.smtp_out.maildir]
        waiting = reader.outbox(states=_WAITING) if boxes else ()
        for box in boxes:
            channel, key = f"mail:{box.name}", relay_key(box.name)
            tried = [
                (_first_try(entry), entry) for entry in waiting if entry.channel == channel and FIRST_TRY in entry.meta
            ]
            first_at, entry = min(tried, key=lambda pair: pair[0], default=(now, None))
            taken_at = self._desk.signs.taken_at.get(channel, _NEVER)
            if entry is not None and now - max(first_at, self._since) >= RELAY_AFTER and taken_at < first_at:
                self._stuck_at[channel] = now
                facts: Facts = {
                    "mailbox": box.name,
                    "time": now - first_at,
                    "n": str(len(tried)),
                    "problem": entry.problem,
                }
                yield Finding(key=key, kind="relay", facts=facts)
            else:
                yield Finding(key=key, known=taken_at > self._stuck_at.get(channel, _NEVER))

    def _chat(self, connected: bool, chat: ChatState, now: datetime) -> Iterator[Finding]:
        """Chat that cannot be spoken to, one channel of it that cannot, or that brings nothing to us."""
        after = self._desk.policy.chat.mail_after
        self._chat_away_since = None if connected else self._chat_away_since or now
        away, deaf_since = chat.troubles.get(WORKSPACE), self._chat_away_since
        if away is not None and now - away.since_at >= after:
            facts: Facts = {"time": now - away.since_at, "problem": away.problem}
            yield Finding(key=CHAT, kind="chat_away", facts=facts)
        elif deaf_since is not None and now - deaf_since >= after:
            yield Finding(key=CHAT, kind="chat", facts={"time": now - deaf_since})
        else:
            yield Finding(key=CHAT, known=connected and away is None)
        yield Finding(key="set_aside", kind="set_aside" if chat.set_aside else "", facts={"n": str(chat.set_aside)})
        yield from self._channels(chat, now - after, now)

    def _channels(self, chat: ChatState, cutoff: datetime, now: datetime) -> Iterator[Finding]:
        habits = self._desk.policy.chat
        for channel in dict.fromkeys((*habits.channels, *habits.requests, *filter(None, chat.troubles))):
            one, key = chat.troubles.get(channel), f"{CHAT}:{channel}"
            if one is None:
                yield Finding(key=key, known=channel in chat.reached)
            elif one.since_at <= cutoff:
                told: Facts = {"channel": channel, "time": now - one.since_at, "problem": one.problem}
                yield Finding(key=key, kind="chat_channel", facts=told)
            else:
                yield Finding(key=key, known=False)

    def _disk(self) -> Finding:
        try:
            free = self._watched.free_mb(self._watched.folder)
        except OSError:
            # What cannot be asked is told by the store itself, loudly.
            return Finding(key="disk", known=False)
        if free < LEAST_FREE_MB:
            return Finding(key="disk", kind="disk", facts={"free": str(free)})
        return Finding(key="disk", known=free >= ENOUGH_FREE_MB)

    def _time(self) -> Finding:
        ahead = ahead_of_machine(self._clock)
        return Finding(key="clock", kind="clock" if ahead else "", facts={"time": ahead})

    def _certificates(self, now: datetime) -> Iterator[Finding]:
        """Our own certificates, and those that servers showed when we last connected."""
        rounds = self._roles.has(ROUNDS)
        for box in self._watched.boxes:
            shown = {
                f"{box.name}.imap": self._watched.listeners.get(box.name) if self._reads(box.name) else None,
                f"{box.name}.smtp_out": self._watched.relays.get(box.name) if rounds else None,
            }
            places = {place: one.certificate_ends_at for place, one in shown.items() if one is not None}
            if rounds and box.smtp_in and box.smtp_in.certificate:
                places[f"{box.name}.smtp_in"] = self._file_until(box.smtp_in.certificate, now)
            for place, until in places.items():
                yield expiring(place, until, now)

    def _file_until(self, path: Path, now: datetime) -> datetime | None:
        """Read again from time to time: certificates are renewed while the desk runs."""
        read_at, until = self._files.get(path, (_NEVER, None))
        if now - read_at >= _READ_AGAIN:
            try:
                until = file_expires_at(path)
            except (OSError, ValueError):
                until = None
            self._files[path] = (now, until)
        return until

    def _logins(self, now: datetime) -> Iterator[Finding]:
        """Logins by OAuth that cannot be renewed, or end by themselves soon."""
        for name, login in self._watched.logins.items():
            key = f"token:{name}"
            if not (
                self._reads(login.mailbox) if login.mailbox in self._watched.listeners else self._roles.has(ROUNDS)
            ):
                continue
            if login.problem:
                yield Finding(key=key, kind="token", facts={"mailbox": login.mailbox, "problem": login.problem})
            elif login.ends_at is not None and login.ends_at - now < TOKEN_WARNING:
                days = str(max(0, (login.ends_at - now).days))
                yield Finding(key=key, kind="token_expiring", facts={"mailbox": login.mailbox, "days": days})
            else:
                yield Finding(key=key, known=login.renewed_at is not None)


def expiring(place: str, until: datetime | None, now: datetime) -> Finding:
    """What is to be said of a certificate: warned 14, 7 and 1 days before it expires, then each day."""
    key = f"certificate:{place}"
    if until is None:
        return Finding(key=key, known=False)
    if until <= now:
        return Finding(key=key, kind="certificate_over", facts={"place": place})
    warned_at = [until - before for before in CERTIFICATE_WARNINGS if until - before <= now]
    if not warned_at:
        return Finding(key=key)
    facts = {"place": place, "days": str((until - now).days)}
    return Finding(key=key, kind="certificate", facts=facts, due_at=max(warned_at))


def free_megabytes(folder: Path) -> int:
    """How much room is left on the disk of a folder. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize // 1024**2


def _first_try(entry: OutboxEntry) -> datetime:
    return datetime.fromisoformat(entry.meta[FIRST_TRY])
