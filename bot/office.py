"""What commands ask of a desk, answered the same whether the desk runs or only its folder is there (contract.md).

A request names what is wanted and carries plain values; the answer is a run of plain dicts, one for each JSON line, and
an exit code. ``bot/counter.py`` carries both over the desk's socket.
"""

from __future__ import annotations

import os
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from bot import plain
from bot.clock import Clock
from bot.desk import Desk
from bot.importing import LIVE_MAIL_S, Importer, unpacked
from bot.reconciling import Listings, compare
from channels.mail.parse import parse
from rules.digest_words import digest_mail
from rules.digesting import edition_of
from rules.effects import OutboxEntry, OutboxState, StaffFile
from rules.errors import StoreError
from rules.holding import handle_of
from rules.lifecycle import LIVE
from rules.model import Actor, Command, Message, Quarantined
from rules.periods import period_before, previous
from rules.pinging import PINGS
from storage import situations
from storage.backup import lay_out
from storage.protocol import Archives
from storage.search import Search

Line = dict[str, Any]

DONE, PROBLEM = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question or order: ``name`` as on the command line (``ticket reply``), ``args`` plain values."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - it is an answer that ends the run, told to the person who asked
    """The request cannot be met; the text says why and what to do."""


class Office:
    """Answers requests on a desk and its store."""

    def __init__(
        self, desk: Desk, clock: Clock, listings: Listings | None = None, search: Search | None = None
    ) -> None:
        """``listings`` tell what lies in the mailboxes on servers; ``search`` is kept up to date by somebody else."""
        self._desk = desk
        self._search = search or Search(desk.store)
        self._clock = clock
        self._listings = listings or {}
        self._answers: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Line]]] = {
            "ticket list": self._list,
            "ticket show": self._show,
            "ticket search": self._find,
            "ticket open": self._open,
            "why": self._why,
            "digest": self._digest,
            "quarantine list": self._quarantine_list,
            "quarantine show": self._quarantine_show,
            "quarantine requeue": self._requeue,
            "loops list": self._loops_list,
            "outbox list": self._outbox_list,
            "outbox retry": self._retry,
            "outbox drop": self._drop,
            "verify": self._verify,
            "archive": self._archive,
            "reconcile": self._reconcile,
            "alarms": self._alarms,
            "backup stage": self._stage,
            "import": self._import,
            "import look": self._import_look,
        }

    def answer(self, request: Request) -> Iterator[Line]:
        """Answer a request, a line at a time; the last line is ``{"exit": code}``."""
        try:
            known = self._answers.get(request.name)
            code = DONE
            for line in known(request.args) if known else self._command(request):
                code = PROBLEM if line.get("finding") else code
                yield line
            yield {"exit": code}
        except Refused as refused:
            yield {"finding": str(refused)}
            yield {"exit": PROBLEM}

    def _list(self, args: Mapping[str, Any]) -> Iterator[Line]:
        with self._desk.store.read() as store:
            tickets = list(store.tickets())
        for ticket in tickets:
            yield plain.ticket_line(ticket)

    def _show(self, args: Mapping[str, Any]) -> Iterator[Line]:
        number = int(args["number"])
        with self._desk.store.read() as store:
            ticket, entries = store.ticket(number), store.entries(number)
        if ticket is None:
            raise Refused(self._no_ticket(number))
        yield {**plain.ticket_line(ticket), **plain.ticket_more(ticket)}
        for place, entry in enumerate(entries, start=1):
            yield {"entry": place, **plain.entry_line(entry, reasons=False)}

    def _find(self, args: Mapping[str, Any]) -> Iterator[Line]:
        try:
            found = self._search.find(args["words"], int(args["limit"]))
        except OSError as problem:
            raise Refused(f"The search cannot be used: {problem}") from problem
        for one in found:
            yield plain.found_line(one)

    def _why(self, args: Mapping[str, Any]) -> Iterator[Line]:
        number = int(args["number"])
        with self._desk.store.read() as store:
            ticket, entries, owed, timers = (
                store.ticket(number), store.entries(number), store.outbox(ticket=number), store.timers_of(number)
            )  # fmt: skip
        if ticket is None:
            raise Refused(self._no_ticket(number))
        yield plain.ticket_line(ticket)
        for entry in entries:
            yield plain.entry_line(entry, reasons=True)
        for one in owed:
            yield plain.outbox_line(one)
        for timer in timers:
            yield {"kind": "timer", "what": timer.kind, "due_at": plain.iso(timer.due_at)}

    def _no_ticket(self, number: int) -> str:
        policy = self._desk.policy
        return policy.wording.of(policy.languages[0]).say("refused_unknown_ticket", number=number)

    def _open(self, args: Mapping[str, Any]) -> Iterator[Line]:
        """Open a ticket as if the customer had written: acknowledged, classified, threaded like any mail."""
        if "@" not in args["from"]:
            policy = self._desk.policy
            raise Refused(policy.wording.of(policy.languages[0]).say("refused_address", value=args["from"]))
        message = self._written(args["from"], args["subject"], args["text"])
        outcome = self._desk.receive(message)
        with self._desk.store.read() as store:
            number = store.linked(f"mid:{message.message_id}")
        yield {"outcome": outcome, "number": number}

    def _written(self, sender: str, subject: str, text: str) -> Message:
        box = self._desk.policy.mailboxes[0]
        now = self._clock.now()
        mail = EmailMessage(policy=SMTP)
        mail["From"] = sender
        mail["To"] = box.address
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = now
        mail["Message-ID"] = f"<{uuid.uuid4().hex}@{box.address.rpartition('@')[2]}>"
        mail.set_content(text)
        return parse(mail.as_bytes(), received_at=now, channel=f"mail:{box.name}", recipients=(box.address,))

    def _command(self, request: Request) -> Iterator[Line]:
        """A staff command by script: the same as a click in chat, refused alike."""
        _, _, name = request.name.partition(" ")
        args = dict(request.args)
        number, by, text = args.pop("number", None), str(args.pop("as")), str(args.pop("text", ""))
        files = tuple(StaffFile(**{**file, "data": b64decode(file.get("data", ""))}) for file in args.pop("files", ()))
        command = Command(
            key=f"cli:{uuid.uuid4().hex}",
            name=name,
            actor=self._actor(by),
            at=self._clock.now(),
            ticket=None if number is None else int(number),
            text=text,
            args={key: str(value) for key, value in args.items() if value not in (None, "", False)},
            files=files,
        )
        answer = self._desk.obey(command)
        if answer.refusal:
            raise Refused(answer.refusal.text)
        line: Line = {"outcome": answer.outcome, "number": answer.ticket}
        # What is no ticket's has a name of its own, such as an address that automatic mail is counted for.
        yield line if answer.ticket else {**line, "key": command.args.get("value", "")}

    def _actor(self, by: str) -> Actor:
        policy = self._desk.policy
        known = next((p for p in policy.staff if by.lower() in (p.key, p.email, p.name.lower(), p.slack.lower())), None)
        return Actor(name=known.name if known else by, staff=known.key if known else None, via="cli")

    def _digest(self, args: Mapping[str, Any]) -> Iterator[Line]:
        policy = self._desk.policy
        at = datetime.fromisoformat(args["at"]).astimezone(UTC) if args.get("at") else self._clock.now()
        period = period_before(args["period"], at, policy.timezone)
        with self._desk.store.read() as store:
            situation = situations.for_digest(store, previous(period, policy.timezone).starts_at)
        manager = max(policy.staff, key=lambda person: person.role.rank, default=None)
        edition = edition_of(period, policy.timezone, manager, situation, policy, at)
        language = args.get("language") or (manager.language if manager else "") or policy.languages[0]
        subject, text, html = digest_mail(edition, policy.wording.of(language), policy)
        yield {
            "period": period.label, "from": plain.iso(period.starts_at), "to": plain.iso(period.ends_at),
            "subject": subject, "text": text, "html": html, "figures": plain.jsonable(edition.figures),
        }  # fmt: skip

    def _quarantine_list(self, args: Mapping[str, Any]) -> Iterator[Line]:
        with self._desk.store.read() as store:
            held = store.quarantined()
        for one in held:
            yield plain.quarantine_line(one)

    def _quarantine_show(self, args: Mapping[str, Any]) -> Iterator[Line]:
        with self._desk.store.read() as store:
            held = _named(store.quarantined(), args["key"])
            raw = store.raw(held.key) if held else b""
        if held is None:
            raise Refused(f"Nothing in quarantine has the key {args['key']}; see `deskbell quarantine list`.")
        yield {**plain.quarantine_line(held), "trace": held.problem, "raw": raw.decode("utf-8", "replace")}

    def _requeue(self, args: Mapping[str, Any]) -> Iterator[Line]:
        with self._desk.store.read() as store:
            waiting = store.quarantined()
        named = () if args.get("all") else (_named(waiting, args["key"]),)
        keys = [one.key if one else args["key"] for one in named] or [one.key for one in waiting if one.kind == "bug"]
        for key in keys:
            outcome = self._desk.requeue(key)
            if outcome is None:
                raise Refused(f"Nothing in quarantine has the key {key}; see `deskbell quarantine list`.")
            line: Line = {"key": key, "outcome": outcome}
            yield {**line, "finding": "it could not be handled again"} if outcome == "quarantined" else line

    def _loops_list(self, args: Mapping[str, Any]) -> Iterator[Line]:
        with self._desk.store.read() as store:
            tallies = store.tallies()
        now = self._clock.now()
        for tally in (tally for tally in tallies if not tally.key.startswith(PINGS)):
            line = plain.tally_line(tally, now)
            if args.get("all") or tally.blocked or line["told_at"] or line["free_until_at"]:
                yield line

    def _outbox_list(self, args: Mapping[str, Any]) -> Iterator[Line]:
        waiting = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNCERTAIN, OutboxState.FAILED)
        with self._desk.store.read() as store:
            owed = store.outbox(states=None if args.get("all") else waiting)
        for one in owed:
            yield plain.outbox_line(one)

    def _retry(self, args: Mapping[str, Any]) -> Iterator[Line]:
        yield self._chosen(args["key"], OutboxState.QUEUED)

    def _drop(self, args: Mapping[str, Any]) -> Iterator[Line]:
        yield self._chosen(args["key"], OutboxState.WITHDRAWN)

    def _chosen(self, key: str, choice: OutboxState) -> Line:
        entry: OutboxEntry | None = self._desk.choose(key, choice, "the command line")
        if entry is None:
            raise Refused(f"No failed or uncertain effect is called {key}; see `deskbell outbox list`.")
        return plain.outbox_line(entry)

    def _reconcile(self, args: Mapping[str, Any]) -> Iterator[Line]:
        for proof in compare(self._desk.store, self._listings, self._clock):
            line = plain.proof_line(proof)
            if proof.problem:
                yield {**line, "finding": f"{proof.mailbox} could not be compared: {proof.problem}"}
            elif proof.unexplained:
                yield {**line, "finding": f"{len(proof.unexplained)} in {proof.mailbox} are not explained"}
            else:
                yield line

    def _alarms(self, args: Mapping[str, Any]) -> Iterator[Line]:
        """The alarms that stand, and how long the last mail of the desk to itself took."""
        with self._desk.store.read() as store:
            alarms, beats = store.alarms(), store.heartbeats()
        for alarm in alarms:
            yield {"alarm": alarm.key, "raised_at": plain.iso(alarm.raised_at), "problem": alarm.problem}
        for beat in beats:
            if beat.back_at is not None and beat.took is not None:
                took_s = round(beat.took.total_seconds())
                yield {"probe": beat.mailbox, "back_at": plain.iso(beat.back_at), "took_s": took_s}

    def _verify(self, args: Mapping[str, Any]) -> Iterator[Line]:
        problems = self._desk.store.verify()
        for problem in problems:
            yield {"finding": problem}
        with self._desk.store.read() as store:
            counts = store.counts()
            live = sum(1 for _ in store.tickets(statuses=LIVE))
        yield {"checked": plain.jsonable(counts), "live": live, "problems": len(problems)}

    def _archive(self, args: Mapping[str, Any]) -> Iterator[Line]:
        """Move tickets closed long ago to the archive, however many there are."""
        store, before = self._desk.store, datetime.fromisoformat(args["before"])
        if not isinstance(store, Archives):
            raise Refused("This store keeps all tickets in one place, so there is nothing to move.")
        moved = 0
        while more := store.archive(before):
            moved += more
        yield {"archived": moved, "before": plain.iso(before)}

    def _stage(self, args: Mapping[str, Any]) -> Iterator[Line]:
        """Lay the desk out for a backup in a folder that the command has made for it, and that only we may read."""
        folder = Path(args["folder"])
        if not folder.parent.is_dir() or folder.parent.stat().st_uid != os.geteuid() or folder.exists():
            raise Refused(f"{folder} cannot be used for a backup; it is made by `deskbell backup`.")
        try:
            lay_out(self._desk.store, folder)
        except (StoreError, OSError) as problem:
            raise Refused(str(problem)) from problem
        yield {"laid_out": str(folder)}

    def _import(self, args: Mapping[str, Any]) -> Iterator[Line]:
        """Take in a batch of old mail or old tickets, silently."""
        items = [unpacked(item) for item in args["items"]]
        yield Importer(self._desk, pause_s=LIVE_MAIL_S).take(items, source=args["source"], mailbox=args["mailbox"])

    def _import_look(self, args: Mapping[str, Any]) -> Iterator[Line]:
        items = [unpacked(item) for item in args["items"]]
        yield from Importer(self._desk).look(items, mailbox=args["mailbox"])


def _named(waiting: Iterable[Quarantined], name: str) -> Quarantined | None:
    """What waits under that key, or under that short name."""
    return next((held for held in waiting if name in (held.key, handle_of(held.key))), None)
