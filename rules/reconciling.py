"""What lies on a mail server against the ledger: every message is explained, or named as not (complaint 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from rules import letters
from rules.draft import CHAT
from rules.effects import OutboxEntry, Post
from rules.model import Decision, Proof
from rules.policy import Policy

ARRIVING = timedelta(minutes=10)
"""Mail that came less than this ago may still be on its way from the server to the desk."""

_CLASSES = {
    "opened": "tickets",
    "joined": "replies",
    "automatic": "automatic",
    "also_received": "copies",
    "duplicate": "copies",
    "own": "own",
    "left_alone": "left_alone",
    "held": "held",
    "quarantined": "quarantined",
    "probe": "probes",
}

CLASSES = (*dict.fromkeys(_CLASSES.values()), "other", "arriving")
"""Everything that a message on the server can be, but for unexplained."""


def class_of(outcome: str) -> str:
    """What the outcome of a message (``automatic:bounce``) counts as."""
    return _CLASSES.get(outcome.partition(":")[0], "other")


def prove(
    mailbox: str,
    uids: Collection[int],
    outcomes: Mapping[int, str],
    arrived: Mapping[int, datetime],
    now: datetime,
) -> Proof:
    """Explain each of the ``uids`` on the server by the ledger's ``outcomes``.

    ``arrived`` says when those without an outcome came; one that came just now is ``arriving``.
    """
    counts = Counter(class_of(outcomes[uid]) for uid in uids if uid in outcomes)
    missing = sorted(uid for uid in uids if uid not in outcomes)
    arriving = {uid for uid in missing if uid in arrived and now - arrived[uid] < ARRIVING}
    if arriving:
        counts["arriving"] = len(arriving)
    return Proof(
        mailbox=mailbox,
        at=now,
        on_server=len(uids),
        counts=dict(counts),
        unexplained=tuple(uid for uid in missing if uid not in arriving),
    )


def on_proof(proof: Proof, policy: Policy, now: datetime) -> Decision:
    """Keep what was found; what is not explained is told in chat and by mail, once a day."""
    because = (f"reconcile: {proof.on_server} in {proof.mailbox}, {len(proof.unexplained)} unexplained",)
    if not proof.unexplained:
        return Decision(proofs=(proof,), because=because, outcome="proven" if not proof.problem else "not_compared")
    texts = policy.wording.of(policy.languages[0])
    shown = ", ".join(map(str, proof.unexplained[:20]))
    text = texts.say("chat_unexplained", mailbox=proof.mailbox, n=len(proof.unexplained), uids=shown)
    key = f"unexplained:{proof.mailbox}:{now:%Y-%m-%d}"
    post = OutboxEntry(
        key=key, channel=CHAT, lane=CHAT, due_at=now, urgency=0, content=Post(text=text, mark="alarm")
    )  # fmt: skip
    mails = (
        letters.to_staff(policy, key=f"{key}:{person.key}", to=person.email, subject=text, text=f"{text}\n", at=now)
        for person in policy.contacts_for("lead", None, None)
    )
    return Decision(proofs=(proof,), outbox=(post, *mails), because=because, outcome="unexplained")
