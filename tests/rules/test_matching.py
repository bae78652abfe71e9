"""The published rules on a message: first come, first set, and a reason for every rule."""

from __future__ import annotations

from rules.conditions import compile_condition
from rules.matching import Rule, match


def _rule(name: str, when: str, **then: str) -> Rule:
    return Rule(name=name, when=compile_condition(when), then=then, words={})


def test_each_field_is_set_by_the_first_rule_that_mentions_it() -> None:
    rules = [
        _rule("gold", 'customer.tier == "gold"', urgency="high"),
        _rule("refund", 'subject.mentions(["refund"])', urgency="low", category="consulting"),
    ]
    matched = match(rules, {"customer.tier": "gold", "subject": "Refund please"})
    assert matched.values == {"urgency": "high", "category": "consulting"}
    assert matched.set_by == {"urgency": "gold", "category": "refund"}


def test_every_rule_tells_whether_it_matched_and_what_failed() -> None:
    rules = [
        _rule("night", "!business_hours", urgency="low"),
        _rule("gold-logs", 'customer.tier == "gold" && attachment_count > 0', urgency="high"),
        _rule("late", "!business_hours", urgency="high"),
    ]
    matched = match(rules, {"customer.tier": "gold"})
    assert matched.because == (
        "rule night: yes (!business_hours): urgency low",
        "rule gold-logs: no, attachment_count > 0",
        "rule late: yes (!business_hours): nothing new",
    )


def test_a_rule_on_words_tells_which_of_them_it_found() -> None:
    rule = _rule("down", 'message.mentions(["outage", "宕机"]) && !message.mentions(["test"])', urgency="high")
    assert match([rule], {"message": "核心系统宕机"}).because == ('rule down: yes ("宕机"): urgency high',)


def test_a_reason_stays_short_however_long_the_condition_is() -> None:
    words = ", ".join(f'"word{number}"' for number in range(100))
    (reason,) = match([_rule("many", f"message.mentions([{words}])", urgency="high")], {"message": "?"}).because
    assert len(reason) < 130


def test_without_rules_nothing_is_set() -> None:
    assert match([], {}).values == {}
