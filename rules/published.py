"""The desk's rules in words, as published to staff and customers (R-CL-2, `deskbell rules`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rules.hours import Calendar
from rules.letters import hours_in_words
from rules.matching import Rule
from rules.model import Target
from rules.policy import Level, Policy, Step
from rules.wording import Texts, span

_FIELDS = ("impact", "urgency", "priority", "category", "assign", "acknowledge", "ticket")


def published(policy: Policy, language: str) -> str:
    """Priorities with their targets, the matrix, each rule, and the ladders, as lines of text in that language."""
    texts = policy.wording.of(language)
    parts = (
        [texts.say("published_title", desk=policy.desk_name)],
        _levels(policy, texts),
        _matrix(policy, texts),
        _rules(policy, texts),
        *(_ladders(policy, target, texts) for target in Target),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def label(level: Level, texts: Texts) -> str:
    """What a priority is called in that language; its name where nothing else is said."""
    return level.labels.get(texts.language) or level.labels.get("en") or level.name


def _levels(policy: Policy, texts: Texts) -> Iterator[str]:
    yield texts.say("published_levels")
    for level in policy.levels:
        times = {promise.target.value: span(texts, promise.allowed) for promise in level.promises}
        calendar = policy.calendars[level.promises[0].calendar]
        told = texts.say(
            "published_level",
            icon=level.icon,
            name=level.name,
            label=label(level, texts),
            first_response=times[Target.FIRST_RESPONSE],
            resolution=times[Target.RESOLUTION],
            hours=hours_in_words(calendar, texts),
        )
        yield f"  {told.strip()}"
    caps = [level.mail_cap.allowed for level in policy.levels if level.mail_cap]
    if caps:
        yield texts.say("published_mail", span=span(texts, max(caps)))
    yield texts.say("published_hours", hours=hours_in_words(_usual(policy), texts))


def _usual(policy: Policy) -> Calendar:
    return policy.calendars[policy.calendar]


def _matrix(policy: Policy, texts: Texts) -> Iterator[str]:
    yield texts.say("published_matrix")
    for (impact, urgency), name in policy.matrix.items():
        level = policy.level(name)
        told = f"{name} ({label(level, texts)})"
        yield "  " + texts.say(
            "published_cell", impact=_grade(impact, texts), urgency=_grade(urgency, texts), priority=told
        )
    yield texts.say(
        "published_default",
        impact=_grade(policy.default_impact, texts),
        urgency=_grade(policy.default_urgency, texts),
        category=policy.default_category,
    )


def _rules(policy: Policy, texts: Texts) -> Iterator[str]:
    if not policy.rules:
        return
    yield texts.say("published_rules")
    for number, rule in enumerate(policy.rules, start=1):
        values = ", ".join(
            f"{texts.say('field_' + name)} {_grade(rule.then[name], texts)}" for name in _FIELDS if name in rule.then
        )
        told = texts.say("published_rule", name=rule.name, words=_words(rule, texts), values=values)
        yield f"  {number}. {told}"


def _words(rule: Rule, texts: Texts) -> str:
    """The rule's own words in the language; where nobody wrote any, its condition, so that no rule is secret."""
    return (
        rule.words.get(texts.language) or rule.words.get("en") or texts.say("published_when", condition=rule.when.text)
    )


def _ladders(policy: Policy, target: Target, texts: Texts) -> Iterator[str]:
    yield texts.say("published_ladder", target=texts.say(f"target_{target}"))
    same: dict[tuple[Step, ...], list[str]] = {}
    for level in policy.levels:
        same.setdefault(policy.ladders.get((target, level.name), ()), []).append(level.name)
    for steps, names in same.items():
        told = "; ".join(_step(step, policy, texts) for step in steps)
        yield "  " + texts.say("published_ladder_for", priorities=", ".join(names), steps=told or "-")


def _step(step: Step, policy: Policy, texts: Texts) -> str:
    person = policy.person(step.to)
    who = person.name if person else texts.say(f"contact_{step.to}")
    if step.repeat:
        return texts.say("published_repeat", at=_moment(step, texts), who=who, span=span(texts, step.repeat))
    return texts.say("published_step", at=_moment(step, texts), who=who)


def _moment(step: Step, texts: Texts) -> str:
    if step.base == "share":
        return texts.say("published_at_share", share=round(step.share * 100))
    after = "_after" if step.plus > timedelta() else ""
    return texts.say(f"published_at{after}_{step.base}", **({"span": span(texts, step.plus)} if after else {}))


def _grade(value: str, texts: Texts) -> str:
    """``high`` in the language, where it has a word for it."""
    return texts.texts.get(f"grade_{value}", value)
