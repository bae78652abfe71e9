"""The mail that the desk sends to itself: the round trip of mail is proven before a customer finds that it is broken.

A probe is no ticket, counts in no figure and is answered by nobody. Its mark is signed, belongs to one moment and is
taken once, so that nobody can make a mail disappear by copying it.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rules.effects import REPORTS, Mail, OutboxEntry
from rules.model import Decision, Heartbeat, Message
from rules.policy import Policy, ProbePlan
from rules.tokens import message_id, signature

OUTCOME = "probe"
PROBE_HEADER = "X-Deskbell-Probe"
_STAMP = "%Y%m%dT%H%M%S"
_MOST_PENDING = 8


def on_round(beat: Heartbeat | None, policy: Policy, now: datetime) -> Decision:
    """Send the next probe when it is due; one that has not even left by then is taken back."""
    plan = policy.probe
    if plan is None or all(box.name != plan.mailbox for box in policy.mailboxes):
        # A mailbox that came with a reload is there after the next start.
        return Decision(outcome="not_due")
    beat = beat or Heartbeat(mailbox=plan.mailbox)
    sent_at = max((*beat.pending, *([beat.back_at - (beat.took or timedelta())] if beat.back_at else [])), default=None)
    if sent_at is not None and now - sent_at < plan.every:
        return Decision(outcome="not_due")
    earlier = tuple(_key(plan.mailbox, at) for at in beat.pending)
    at = now.replace(microsecond=0)
    # The oldest shows for how long none came back; of the others the latest matter.
    pending = (*beat.pending[:1], *beat.pending[1:][-_MOST_PENDING:], at)
    return Decision(
        heartbeats=(replace(beat, pending=pending),), outbox=(_probe(plan, at, policy),), withdraw=earlier,
        drop=earlier, because=(f"probe: sent through {plan.mailbox}",), outcome="probed",
    )  # fmt: skip


def on_back(message: Message, beat: Heartbeat | None, policy: Policy, now: datetime) -> Decision | None:
    """A probe came back: what it proves is kept. ``None`` when it is not one of ours that is awaited.

    It must be signed by us, come from an address of ours into the mailbox it was sent to, within two periods, and for
    the first time; whatever is otherwise is an ordinary mail.
    """
    plan, sent_at = policy.probe, read(message.probe, policy.secret)
    if plan is None or beat is None or sent_at is None or sent_at not in beat.pending:
        return None
    if message.channel != f"mail:{plan.mailbox}" or beat.mailbox != plan.mailbox:
        return None
    if not policy.is_own(message.sender.email) or message.authentication.failed or now - sent_at > 2 * plan.every:
        return None
    left = tuple(at for at in beat.pending if at > sent_at)
    took = max(timedelta(), now - sent_at)
    because = (f"probe: came back through {plan.mailbox} after {took.total_seconds():.0f} s",)
    fresh = replace(beat, pending=left, back_at=now, took=took)
    return Decision(heartbeats=(fresh,), because=because, outcome=OUTCOME)


def overdue_since(beat: Heartbeat | None, plan: ProbePlan, now: datetime) -> datetime | None:
    """Since when a probe is missed that should have been back: two periods after it was sent it is."""
    if beat is None or not beat.pending or now - beat.pending[0] < 2 * plan.every:
        return None
    return beat.pending[0]


def mark(mailbox: str, sent_at: datetime, secret: bytes) -> str:
    """What stands in the header of a probe: ``support.20260302T021000.<signature>``."""
    stamp = f"{sent_at:{_STAMP}}"
    return f"{mailbox}.{stamp}.{signature(secret, 'probe', mailbox, stamp)}"


def mailbox_of(given: str) -> str:
    """The mailbox that a probe's mark names; nothing is checked yet."""
    return given.rsplit(".", 2)[0]


def read(given: str, secret: bytes) -> datetime | None:
    """When the probe with this mark was sent; ``None`` when it is not one of ours."""
    if not given.isascii():
        return None
    mailbox, stamp, signed = (*given.rsplit(".", 2), "", "")[:3]
    if not hmac.compare_digest(signed, signature(secret, "probe", mailbox, stamp)):
        return None
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _key(mailbox: str, sent_at: datetime) -> str:
    return f"probe:{mailbox}:{sent_at:{_STAMP}}"


def _probe(plan: ProbePlan, at: datetime, policy: Policy) -> OutboxEntry:
    box, key = policy.mailbox(plan.mailbox), _key(plan.mailbox, at)
    text = policy.wording.of(policy.languages[0]).say("probe_text", desk=policy.desk_name)
    mail = Mail(
        mailbox=box.name, to=(box.address,), subject=f"Deskbell probe {at:{_STAMP}}", text=text,
        message_id=message_id(policy.secret, key, box.domain), from_name=policy.desk_name,
        probe=mark(plan.mailbox, at, policy.secret),
    )  # fmt: skip
    # A probe that is lost is told by its absence, not by a line for each.
    return OutboxEntry(
        key=key, channel=f"mail:{box.name}", lane=key, content=mail, due_at=at, meta={REPORTS: key}
    )  # fmt: skip
