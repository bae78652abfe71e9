"""Priority, category and the reasons for them (R-CL-1, R-CL-2, R-CL-3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import load_config
from rules.classify import Classification, classify, facts
from rules.conditions import FACTS, compile_condition
from rules.matching import Rule
from rules.model import Attachment, Authentication, Message
from rules.policy import CustomerMatch, Policy
from rules.published import published
from tests.builders import a_message

_SHIPPED = load_config(Path(__file__).parent.parent.parent / "config.yaml", environ={}).policy


def _policy(*rules: Rule) -> Policy:
    return replace(_SHIPPED, rules=rules)


def _rule(name: str, when: str, **then: str) -> Rule:
    return Rule(name=name, when=compile_condition(when), then=then, words={})


def _classified(message: Message, policy: Policy, **given: str) -> Classification:
    return classify(facts(message, CustomerMatch(pattern=""), business_hours=True), policy, **given)


PRINTER = _rule("printer", 'subject.mentions(["printer"])', impact="high", category="hardware")
FIRE = _rule("fire", 'subject.mentions(["fire"])', urgency="high")
GOLD = _rule("gold", 'customer.tier == "gold"', priority="P2", assign="ana", acknowledge="no")


def test_impact_and_urgency_lead_to_the_priority() -> None:
    found = _classified(a_message(), _policy(PRINTER, FIRE))
    assert (found.priority, found.impact, found.urgency, found.category) == ("P1", "high", "high", "hardware")
    assert found.confidence == 1.0
    assert "impact high: rule printer" in found.because
    assert "priority P1: impact high and urgency high" in found.because


def test_what_no_rule_says_is_the_default_and_is_told_as_such() -> None:
    found = _classified(a_message(), _policy())
    assert (found.priority, found.category, found.confidence) == ("P3", "other", 0.3)
    assert "urgency medium: the default, no rule says otherwise" in found.because


def test_one_of_the_two_known_is_less_certain_than_both() -> None:
    assert _classified(a_message(), _policy(PRINTER)).confidence == 0.7


def test_a_rule_may_set_the_priority_past_the_matrix() -> None:
    gold = CustomerMatch(pattern="*", tier="gold")
    found = classify(facts(a_message(), gold, business_hours=True), _policy(PRINTER, FIRE, GOLD))
    assert (found.priority, found.confidence) == ("P2", 1.0)
    assert "priority P2: rule gold" in found.because
    assert (found.assign, found.acknowledge) == ("ana", False)


def test_without_such_a_rule_nobody_is_assigned_and_the_customer_gets_an_answer() -> None:
    found = _classified(a_message(), _policy())
    assert (found.assign, found.acknowledge) == ("", True)


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [
        ("high", "high", "P1"),
        ("1 - High", "2 - Medium", "P2"),
        ("2", "2", "P3"),
        ("3", "3", "P4"),
        ("Low", "HIGH", "P3"),
    ],
)
def test_impact_and_urgency_given_with_a_request_win_over_rules(impact: str, urgency: str, priority: str) -> None:
    always = _rule("always", "true", impact="low", urgency="low", priority="P4")
    found = _classified(a_message(), _policy(always), impact=impact, urgency=urgency)
    assert (found.priority, found.confidence) == (priority, 1.0)


@pytest.mark.parametrize("given", ["enormous", "7", "0", "-1", "²", "1" * 5000])
def test_a_given_value_that_the_matrix_does_not_know_is_left_aside_with_a_reason(given: str) -> None:
    found = _classified(a_message(), _policy(), impact=given)
    assert found.impact == "medium"
    assert any("was given but is not one of high, medium, low" in reason for reason in found.because)


def test_what_the_sender_quoted_does_not_classify_the_request() -> None:
    message = a_message(text="Thanks!\n> production is down", reply_text="Thanks!", subject="Re: hello")
    assert _classified(message, _SHIPPED).priority != "P1"


def test_conditions_get_every_fact_they_may_ask_for() -> None:
    log = Attachment(filename="trace.log", content_type="text/plain", size=3, sha256="0" * 64)
    on_file = CustomerMatch(pattern="*", tier="gold", contract="C-17")
    message = a_message(
        channel="mail:support", attachments=(log,), authentication=Authentication(host="mx.example.com", dmarc="pass")
    )
    told = facts(message, on_file, business_hours=True, impact="high", urgency="low")
    assert set(told) == set(FACTS)
    assert (told["mailbox"], told["channel"], told["attachments"]) == ("support", "mail", ["trace.log"])
    assert (told["customer.tier"], told["customer.contract"]) == ("gold", "C-17")
    assert (told["sender.email"], told["sender.domain"]) == ("mei.lin@example.net", "example.net")
    assert (told["impact"], told["urgency"], told["business_hours"]) == ("high", "low", True)
    assert (told["kind"], told["dmarc"]) == ("person", "pass")
    assert all(told[name] for name in FACTS)


def test_every_rule_is_accounted_for_in_the_reasons() -> None:
    found = _classified(a_message(), _SHIPPED)
    assert [reason for reason in found.because if reason.startswith("rule ")] != []
    for rule in _SHIPPED.rules:
        assert any(reason.startswith(f"rule {rule.name}: ") for reason in found.because)


SHIPPED_CASES = [
    ("Production server down", "Nothing works since 9 am.", "P1", "system"),
    ("URGENT: our ERP is offline", "Nobody can log in.", "P1", "other"),
    ("Ransomware", "All our files are encrypted.", "P1", "system"),
    ("生产系统宕机", "所有用户无法登录，业务中断。", "P1", "system"),
    ("数据库损坏", "客户数据全部丢失，请马上处理。", "P1", "system"),
    ("Network is down", "The whole department is affected.", "P2", "network"),
    ("Mail is slow", "Several colleagues see it, there is a workaround by webmail.", "P2", "other"),
    ("The web shop is down", "There is a workaround: orders by phone.", "P2", "other"),
    ("部分业务受影响", "部分门店收银很慢，有临时方案。", "P2", "other"),
    ("钓鱼邮件", "有同事点了链接。", "P2", "system"),
    ("Printer on the third floor does not print", "Only mine.", "P3", "hardware"),
    ("Outlook crashes", "It crashed twice today when I opened a file.", "P3", "software"),
    ("VPN drops", "My connection drops every hour.", "P3", "network"),
    ("打印机卡纸", "三楼的打印机一直卡纸。", "P3", "hardware"),
    ("Password reset", "I forgot my password, please reset it.", "P3", "access"),
    ("How do I export my contacts?", "Thanks.", "P4", "other"),
    ("Suggestion", "It would be nice to have dark mode.", "P4", "other"),
    ("请问如何设置签名", "谢谢", "P4", "other"),
    ("申请培训", "想了解一下新系统的培训时间。", "P4", "training"),
    ("Hello", "I have a question: can I use it on two computers?", "P4", "other"),
    ("Download stopped", "I cannot download the manual, the app is fine.", "P3", "other"),
    ("Test system", "The production copy on the test server is down.", "P3", "other"),
]


@pytest.mark.parametrize(("subject", "text", "priority", "category"), SHIPPED_CASES, ids=[c[0] for c in SHIPPED_CASES])
def test_the_shipped_rules_see_a_request_as_people_would(subject: str, text: str, priority: str, category: str) -> None:
    found = _classified(a_message(subject=subject, text=text), _SHIPPED)
    assert (found.priority, found.category) == (priority, category), "\n".join(found.because)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "first response within 15 min"), ("zh-CN", "15 分钟内首次响应")]
)
def test_the_published_rules_tell_targets_matrix_rules_and_ladders(language: str, words: str) -> None:
    told = published(_SHIPPED, language)
    assert words in told
    for rule in _SHIPPED.rules:
        assert rule.name in told
        assert rule.words[language] in told


def test_a_rule_nobody_put_into_words_is_published_as_its_condition() -> None:
    assert 'When subject.mentions(["fire"])' in published(_policy(FIRE), "en")
