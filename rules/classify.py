"""How urgent a request is and what it is about: the published rules, then impact and urgency, then the defaults.

R-CL-1 to R-CL-3. Every value comes with the reason it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rules.conditions import PreparedFacts
from rules.machine_headers import PERSON
from rules.matching import Facts, Matched, match
from rules.model import Message
from rules.policy import CustomerMatch, Policy

_OPENING = 120
_CERTAIN, _HALF, _GUESS = 1.0, 0.7, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What the rules say about a message, with the reasons.

    ``confidence`` is 1.0 when a rule or the sender said the priority or both impact and urgency, 0.7 when they said one
    of the two and the other is the default, 0.3 when both are the defaults. ``assign`` is a staff key or empty.
    ``ticket`` is false where a rule wants no ticket of a machine's mail.
    """

    priority: str
    impact: str
    urgency: str
    category: str
    confidence: float
    because: tuple[str, ...]
    assign: str = ""
    acknowledge: bool = True
    ticket: bool = True


def facts(
    message: Message, on_file: CustomerMatch, *, business_hours: bool, impact: str = "", urgency: str = ""
) -> Facts:
    """What conditions may ask about a message. ``impact`` and ``urgency`` are what the sender gave, if anything.

    ``text`` is what the sender wrote, without what they quoted; ``message`` is the subject and it,
    ``opening`` its first 120 characters.
    """
    text = message.reply_text.strip() or message.text
    return PreparedFacts(
        {
            "subject": message.subject,
            "text": text,
            "message": f"{message.subject}\n{text}",
            "opening": text.strip()[:_OPENING],
            "sender.email": message.sender.email,
            "sender.domain": message.sender.domain,
            "sender.name": message.sender.name,
            "customer.tier": on_file.tier,
            "customer.contract": on_file.contract,
            "language": message.language,
            "mailbox": message.channel.partition(":")[2],
            "channel": message.channel.partition(":")[0],
            "kind": message.automatic.kind,
            "dmarc": message.authentication.dmarc,
            "impact": impact,
            "urgency": urgency,
            "attachments": [attachment.filename for attachment in message.attachments],
            "attachment_count": len(message.attachments),
            "recipients": list(message.recipients),
            "business_hours": business_hours,
        }
    )


def classify(facts: Facts, policy: Policy, *, impact: str = "", urgency: str = "") -> Classification:
    """Run the rules over the facts and fill in what they leave open.

    Given impact and urgency win over what rules set; both given, they alone lead to the priority. A given value may
    be the name, ``1 - High``, or the number of its place in the matrix (``1`` is the gravest).
    """
    matched = match(policy.rules, facts)
    because = list(matched.because)
    impacts = tuple(dict.fromkeys(pair[0] for pair in policy.matrix))
    urgencies = tuple(dict.fromkeys(pair[1] for pair in policy.matrix))
    given_impact = _given("impact", impact or str(facts.get("impact", "")), impacts, because)
    given_urgency = _given("urgency", urgency or str(facts.get("urgency", "")), urgencies, because)
    final_impact, knew_impact = _field("impact", given_impact, matched, policy.default_impact, because)
    final_urgency, knew_urgency = _field("urgency", given_urgency, matched, policy.default_urgency, because)
    category, _ = _field("category", "", matched, policy.default_category, because)
    priority = policy.matrix[final_impact, final_urgency]
    by_rule = "priority" in matched.values and not (given_impact and given_urgency)
    if by_rule:
        priority = matched.values["priority"]
        because.append(f"priority {priority}: rule {matched.set_by['priority']}")
    else:
        because.append(f"priority {priority}: impact {final_impact} and urgency {final_urgency}")
    known = knew_impact + knew_urgency
    wants_ticket = _wants_ticket(matched, facts, because)
    return Classification(
        priority=priority,
        impact=final_impact,
        urgency=final_urgency,
        category=category,
        confidence=_CERTAIN if by_rule or known == 2 else _HALF if known else _GUESS,
        because=tuple(because),
        assign=matched.values.get("assign", ""),
        acknowledge=matched.values.get("acknowledge", "yes") != "no",
        ticket=wants_ticket,
    )


def _wants_ticket(matched: Matched, facts: Facts, because: list[str]) -> bool:
    """Only of a machine's mail may a rule want no ticket: what a person wrote is never dropped."""
    if matched.values.get("ticket", "yes") != "no":
        return True
    if facts.get("kind", PERSON) == PERSON:
        because.append(f"ticket: yes, a person wrote; rule {matched.set_by['ticket']} wanted none")
        return True
    return False


def _given(name: str, value: str, known: Sequence[str], because: list[str]) -> str:
    """The value a sender gave, as the matrix calls it; nothing, and a reason, when it has no such value."""
    text = value.strip().lower()
    if not text:
        return ""
    number, _, word = (part.strip() for part in text.partition("-"))
    for candidate in known:
        if candidate.lower() in (text, word):
            return candidate
    if number.isascii() and number.isdecimal() and 0 < int(number[:3]) <= len(known):
        return known[int(number[:3]) - 1]
    because.append(f'{name}: "{value[:40]}" was given but is not one of {", ".join(known)}; left aside')
    return ""


def _field(name: str, given: str, matched: Matched, default: str, because: list[str]) -> tuple[str, bool]:
    """A field's value and whether anybody said it."""
    if given:
        because.append(f"{name} {given}: given with the request")
        return given, True
    if name in matched.values:
        because.append(f"{name} {matched.values[name]}: rule {matched.set_by[name]}")
        return matched.values[name], True
    because.append(f"{name} {default}: the default, no rule says otherwise")
    return default, False
