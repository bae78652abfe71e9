"""The main path: whatever comes in, one pure decision is made of it and one commit writes down all that follows.

Plain synchronous Python, called from worker threads. Nothing here waits for a network.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot import circumstances
from bot.chat_words import raw_words
from bot.clock import Clock
from bot.kept_commands import command_from, raw_of
from bot.masking import masked
from bot.signs import Signs
from channels.protocol import Answer
from rules import decide, lateness
from rules.digesting import period_due
from rules.draft import CHAT
from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreError
from rules.files import kept
from rules.lost_mail import LOST
from rules.model import Command, Decision, Message, Origin, Quarantined, Refusal, Situation, Timer
from rules.periods import previous
from rules.pinging import PINGS
from rules.policy import Policy
from storage import situations
from storage.protocol import Reader, Store, UnitOfWork
from storage.recollection import recalled, recalled_for_timer

log = structlog.get_logger()

MOST_RUNG = 200
"""How many timers ring in one go, so that a desk that catches up can still be stopped."""

MOST_AT_ONCE = 64
"""How many effects one commit claims at most."""

MOST_DESK_WIDE = 50
"""More timers than these, which are no ticket's, are never due at once."""

_BROKEN_TIMER_RESTS = timedelta(minutes=5)

Heeds = Callable[[UnitOfWork, OutboxEntry], bool]
"""Asked inside the unit of work that would settle a delivery: whether it may."""


class Desk:
    """Takes in messages, commands, due timers and settled deliveries; every door leads here."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        after_commit: Callable[[Sequence[int]], None],
        again: circumstances.ReadAgain = circumstances.read_again,
    ) -> None:
        """``after_commit`` is called, from any thread, with the tickets that changed and when something is owed.

        ``again`` reads a message from its raw bytes for a second look.
        """
        self.store = store
        self.policy = policy
        self.clock = clock
        self._after_commit = after_commit
        self._again = again
        self.signs = Signs()

    def receive(self, message: Message) -> str:
        """Take in one message and say what it became. When this returns, the channel may confirm it (law 4).

        Raises StoreError when it could not be made durable; then nothing may be confirmed.
        """
        with self.store.begin() as work:
            if work.seen(message.key):
                # The first copy may still be on its way to the disk: an empty commit waits for it.
                if message.origin:
                    work.account(message.origin, "duplicate")
                work.commit()
                self.signs.heard(message.channel, "duplicate", self.clock.now())
                log.info("duplicate", key=message.key, channel=message.channel)
                return "duplicate"
            return self._take_in(work, message)

    def _take_in(self, work: UnitOfWork, message: Message) -> str:
        """Decide on a message and commit what follows; says what it became."""
        try:
            situation = circumstances.of_message(work, message, self.policy)
            decision = decide.on_message(message, situation, self.policy, self.clock.now())
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - a bug of ours must not lose a message: it goes to quarantine
            return self._quarantine(work, message)
        work.record(message.key, decision, raw=message.raw, origin=message.origin)
        for key, data in kept(message):
            work.keep(key, data)
        work.commit()
        self.signs.heard(message.channel, decision.outcome, self.clock.now())
        self._tell(decision, "received", channel=message.channel, sender=masked(message.sender.email))
        return decision.outcome

    def obey(self, command: Command) -> Answer:
        """Carry out one command, once, whatever is redelivered. When this returns, it is on disk.

        Raises StoreError when it could not be made durable.
        """
        with self.store.begin() as work:
            if work.seen(command.key):
                work.commit()
                return Answer(ticket=command.ticket, outcome="duplicate")
            return self._carry_out(work, command)

    def _carry_out(self, work: UnitOfWork, command: Command) -> Answer:
        """Decide on a command and commit what follows."""
        try:
            situation = recalled(work, circumstances.of_command(work, command, self.policy, self._again), command)
            decision = decide.on_command(command, situation, self.policy, self.clock.now())
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - a bug of ours must not lose what staff asked for: it goes to quarantine
            problem = self._quarantine_command(work, command)
            return Answer(ticket=command.ticket, refusal=Refusal(code="bug", text=problem))
        work.record(command.key, decision)
        for key, data in kept(command) if decision.refusal is None else ():
            work.keep(key, data)
        work.commit()
        actor = command.actor
        self._tell(decision, "obeyed", command=command.name, by=actor.staff or "stranger", via=actor.via)
        tickets = [*decision.tickets, *filter(None, (situation.ticket,))]
        ticket = tickets[0].number if tickets else None
        return Answer(ticket=ticket, refusal=decision.refusal, outcome=decision.outcome)

    def ring_due(self, most: int = MOST_RUNG, *, desk_wide: bool = True) -> int:
        """Ring the timers that are due, earliest first, at most so many; says how many rang.

        Each is a commit of its own; they share one wait for the disk. After downtime each rings once, in order.
        Without ``desk_wide`` those that are no ticket's are left to another process.
        """
        with self.store.together():
            for rung in range(most):
                with self.store.read() as store:
                    # One at a time: what a timer sets may be due before the others.
                    due = store.due_timers(self.clock.now(), limit=1 if desk_wide else MOST_DESK_WIDE)
                first = next((timer for timer in due if desk_wide or timer.ticket is not None), None)
                if first is None:
                    return rung
                self.ring(first)
        return most

    def ring(self, timer: Timer) -> None:
        """Look at what one timer watches, as it is now."""
        with self.store.begin() as work:
            if work.timer(timer.key) != timer:
                return
            now = self.clock.now()
            try:
                decision = decide.on_timer(timer, self._timer_situation(work, timer), self.policy, now)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - one broken timer must not stop the others
                decision = self._broken_timer(timer)
            work.record(f"timer:{timer.key}:{timer.due_at.isoformat()}", decision)
            work.commit()
        self._tell(decision, "rang", timer=timer.kind, late_s=round((now - timer.due_at).total_seconds(), 1))

    def _timer_situation(self, work: UnitOfWork, timer: Timer) -> Situation:
        if timer.kind == lateness.SUMMARY:
            return situations.for_late(work, lateness.counts_from(timer))
        if timer.kind.startswith(PINGS):
            return situations.for_pings(work, timer.kind)
        if not timer.kind.startswith("digest:"):
            return recalled_for_timer(work, situations.for_ringing(work, timer.ticket, self.policy.staff), timer)
        period = period_due(timer, self.policy)
        return situations.for_digest(work, previous(period, self.policy.timezone).starts_at - timedelta(days=1))

    def _broken_timer(self, timer: Timer) -> Decision:
        told = self._broken("timer", timer.key, timer.kind)
        return replace(told, timers=(replace(timer, due_at=self.clock.now() + _BROKEN_TIMER_RESTS),))

    def _broken(self, channel: str, key: str, what: str) -> Decision:
        """Tell staff of a bug that stopped a decision nobody waits for."""
        problem = traceback.format_exc()
        log.error(f"{channel} failed", key=key, problem=problem)
        held = Quarantined(key=key, at=self.clock.now(), channel=channel, problem=problem, subject=what)
        return decide.on_quarantined(held, self.policy, self.clock.now())

    def settle(self, entries: Sequence[OutboxEntry]) -> None:
        """Write down what became of deliveries, and what follows from it, in one commit."""
        self.turn_over(entries, {})

    def turn_over(
        self, ended: Sequence[OutboxEntry], rooms: Mapping[str, int], heeds: Heeds | None = None
    ) -> Sequence[OutboxEntry]:
        """Settle deliveries that ended and claim what is due, in one commit; gives those claimed.

        ``rooms`` says how many of each channel; with none at all, nothing is claimed. ``heeds`` says which of those
        that ended are still to be settled here, where several processes share the desk.
        """
        with self.store.begin() as work:
            if heeds is not None:
                ended = [entry for entry in ended if heeds(work, entry)]
            for entry in ended:
                work.settle(entry)
                if not decide.settles_quietly(entry):
                    self._follow(work, entry)
            claimed = work.take_due(self.clock.now(), MOST_AT_ONCE, rooms) if rooms else ()
            if ended or claimed:
                work.commit()
        if ended:
            self._tell_ended(ended)
        return claimed

    def left_behind(self) -> Sequence[OutboxEntry]:
        """What a process that ended may or may not have sent."""
        return self.store.claimed()

    def _follow(self, work: UnitOfWork, entry: OutboxEntry) -> None:
        """Decide and record what follows from the end of one delivery."""
        now = self.clock.now()
        try:
            decision = decide.on_settled(entry, situations.for_settled(work, entry), self.policy, now)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one broken settlement must not stop all deliveries
            decision = self._broken("outbox", entry.key, entry.channel)
        if decision != Decision(because=decision.because, outcome=decision.outcome):
            work.record(f"settled:{entry.key}:{entry.state}:{entry.attempts}", decision)

    def _tell_ended(self, entries: Sequence[OutboxEntry]) -> None:
        arrived = [entry for entry in entries if entry.state is OutboxState.ACCEPTED]
        for channel in {entry.channel for entry in arrived}:
            self.signs.taken(channel, self.clock.now())
        # What arrived is the rule and stands in the outbox; the log is for what did not.
        if arrived:
            log.debug("arrived", keys=[entry.key for entry in arrived])
        for entry in entries:
            if entry.state is not OutboxState.ACCEPTED:
                log.info(
                    "settled", key=entry.key, state=entry.state, attempts=entry.attempts,
                    ticket=entry.ticket, problem=entry.problem or None,
                )  # fmt: skip
        self._after_commit([entry.ticket for entry in entries if entry.ticket is not None])

    def choose(self, key: str, choice: OutboxState, by: str) -> OutboxEntry | None:
        """A person decides on an effect that failed or is uncertain: owed again (``queued``) or never (``withdrawn``).

        ``None`` when there is no such effect, or when it is not one that waits for a person.
        """
        with self.store.begin() as work:
            entry = work.owed(key)
            if entry is None or entry.state not in LOST:
                return None
            now = self.clock.now()
            decision = decide.on_choice(entry, choice, by, now)
            work.record(f"chosen:{key}:{now.isoformat()}", decision)
            chosen = work.owed(key)
            work.commit()
        self._tell(decision, "chosen", key=key, choice=choice)
        self._after_commit([entry.ticket] if entry.ticket else [])
        return chosen

    def requeue(self, key: str) -> str | None:
        """Take a message out of quarantine and receive it again; says what it became, ``None`` if it is not there.

        Both are one commit, so that it is never in neither place.
        """
        with self.store.begin() as work:
            held = next((one for one in work.quarantined() if one.key == key), None)
            if held is None:
                return None
            raw = work.raw(key)
            if held.channel == "command":
                work.release(key)
                return self._carry_out(work, command_from(raw)).outcome
            message = self._again(self.policy, held, raw)
            work.release(key)
            return self._take_in(work, message)

    def known(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs of an IMAP mailbox that are accounted for (complaints 1, 2)."""
        with self.store.read() as store:
            return store.ledger(mailbox, uid_validity)

    def account(self, origin: Origin, outcome: str) -> None:
        """Write a line into the mailbox ledger for a message that is not received; durable when this returns."""
        with self.store.begin() as work:
            work.account(origin, outcome)
            work.commit()

    def left_alone(self, mailbox: str, count: int) -> None:
        """Tell staff that a mailbox was connected for the first time, and how many mails were left alone in it."""
        now = self.clock.now()
        with self.store.begin() as work:
            decision = decide.on_left_alone(mailbox, count, self.policy, now)
            work.record(f"left_alone:{mailbox}:{now.isoformat()}", decision)
            work.commit()
        self._tell(decision, "left alone", mailbox=mailbox, count=count)

    def conclude(self, key: str, decision: Decision, event: str, **facts: object) -> None:
        """Write down a decision that nothing from outside called for, such as the daily comparison of a mailbox."""
        with self.store.begin() as work:
            work.record(key, decision)
            work.commit()
        self._tell(decision, event, **facts)

    def review(self, key: str, decided: Callable[[Reader], Decision], event: str) -> Decision:
        """Look at what is on file and write down what follows, with nothing in between; often nothing does."""
        with self.store.begin() as work:
            decision = decided(work)
            if decision == Decision(because=decision.because, outcome=decision.outcome):
                return decision
            work.record(key, decision)
            work.commit()
        self._tell(decision, event)
        return decision

    def ticket_of_thread(self, thread: str) -> int | None:
        """The ticket whose chat thread this is (``channel:ts``)."""
        with self.store.read() as store:
            return store.linked(f"chat:{thread}")

    def start(self) -> None:
        """Set the timers that the configuration asks for; called at start and after a reload."""
        with self.store.begin() as work:
            now = self.clock.now()
            wanted = decide.on_start(Situation(), self.policy, now).timers
            situation = situations.for_start(work, (timer.key for timer in wanted))
            decision = decide.on_start(situation, self.policy, now)
            work.record(f"start:{now.isoformat()}", decision)
            work.commit()

    def reload(self, policy: Policy) -> None:
        """Decide by another policy from the next input on."""
        self.policy = policy
        self.start()

    def _quarantine(self, work: UnitOfWork, message: Message) -> str:
        """Keep a message that we could not decide on, and tell staff, in its own commit (complaint 7)."""
        problem = traceback.format_exc()
        now = self.clock.now()
        held = Quarantined(
            key=message.key,
            at=now,
            channel=message.channel,
            problem=problem,
            sender=message.sender.email,
            subject=message.subject,
            recipients=message.recipients,
            origin=message.origin,
            envelope_sender=message.envelope_sender,
        )
        self._hold(work, held, raw_words(message) if message.channel == CHAT else message.raw)
        return "quarantined"

    def _quarantine_command(self, work: UnitOfWork, command: Command) -> str:
        problem = traceback.format_exc()
        held = Quarantined(
            key=command.key, at=self.clock.now(), channel="command", problem=problem, sender=command.actor.name,
            subject=command.name,
        )  # fmt: skip
        self._hold(work, held, raw_of(command))
        return problem.splitlines()[-1]

    def _hold(self, work: UnitOfWork, held: Quarantined, raw: bytes) -> None:
        work.quarantine(held, raw)
        work.record(f"quarantined:{held.key}:{held.at.isoformat()}", decide.on_quarantined(held, self.policy, held.at))
        work.commit()
        log.error("quarantined", key=held.key, channel=held.channel, problem=held.problem)
        self._after_commit([])

    def _tell(self, decision: Decision, event: str, **facts: object) -> None:
        tickets = [ticket.number for ticket in decision.tickets]
        refusal = decision.refusal.code if decision.refusal else None
        log.info(event, outcome=decision.outcome, tickets=tickets, owed=len(decision.outbox), refusal=refusal, **facts)
        self._after_commit(tickets)
