"""What our own host found out about a sender; what strangers claim about themselves is not read."""

from __future__ import annotations

import pytest

from channels.mail.authentication import read_authentication
from rules.message import Address, Authentication
from tests.channels.mail_reading import read

OURS = ("mx.example.com",)
ANA = (Address(email="ana@example.org"),)


def found(*values: str, senders: tuple[Address, ...] = ANA) -> tuple[str, str, str, str]:
    result = read_authentication([value.encode() for value in values], OURS, senders)
    return result.host, result.spf, result.dkim, result.dmarc


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.com; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org; dmarc=pass",
        "mx.example.com 1; spf=pass; dkim=pass; dmarc=pass header.from=example.org",
        " MX.Example.COM ;\r\n\tSPF=Pass (sender IP is 1.2.3.4);\r\n DKIM = PASS;dmarc=pass action=none",
        "(a comment) mx.example.com (our (inner) host) 1 (v); spf/1=pass; dkim=pass; dmarc=pass (p=NONE sp=NONE)",
        "mx.example.com; dkim=fail header.d=list.example.net; dkim=pass header.d=example.org; spf=pass; dmarc=pass",
        'mx.example.com; spf=pass reason="a; dmarc=fail"; dkim=pass; dmarc=pass',
        r"mx.example.com; spf=pass (odd \) ; dmarc=fail); dkim=pass; dmarc=pass",
        "mx.example.com.; spf=pass; dkim=pass; dmarc=pass header.from=Example.Org; arc=none",
    ],
)
def test_the_word_of_our_own_host_is_read_in_all_its_spellings(value: str) -> None:
    assert found(value) == ("mx.example.com", "pass", "pass", "pass")


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.net; dmarc=pass",
        "mx.example.com.evil.example.net; dmarc=pass",
        "dmarc=pass",
        "; dmarc=pass",
        "(mx.example.com); dmarc=pass",
        "mx.example.com 2; dmarc=pass",
        "mx.example.com evil; dmarc=pass",
        "",
    ],
)
def test_the_word_of_another_host_is_not(value: str) -> None:
    assert found(value) == ("", "", "", "")


def test_only_the_topmost_word_of_our_host_counts() -> None:
    """What stands below it came with the mail: anybody can write our host's name into their own header."""
    assert found("other.example; dmarc=pass", "mx.example.com; dmarc=fail", "mx.example.com; dmarc=pass")[3] == "fail"


def test_where_no_host_is_named_as_ours_nobody_is_believed() -> None:
    values = [b"mx.example.com; dmarc=pass", b"; dmarc=pass"]
    assert read_authentication(values, (), ANA) == read_authentication(values, ("", " "), ANA) == Authentication()


@pytest.mark.parametrize(
    ("senders", "domain", "dmarc"),
    [
        (("ana@example.org",), "example.org", "pass"),
        (("ana@mail.example.org",), "example.org", "pass"),
        (("ana@example.org",), "evil.example.net", "mismatch"),
        (("ana@example.org", "eve@evil.example.net"), "evil.example.net", "mismatch"),
        (("ana@example.org", "bo@example.org"), "example.org", "pass"),
        (("ana@notexample.org",), "example.org", "mismatch"),
        (("ana@bücher.example",), "xn--bcher-kva.example", "pass"),
        ((), "example.org", "mismatch"),
    ],
)
def test_a_pass_for_another_domain_than_the_one_people_see_proves_nothing(
    senders: tuple[str, ...], domain: str, dmarc: str
) -> None:
    addresses = tuple(Address(email=email) for email in senders)
    assert found(f"mx.example.com; dmarc=pass header.from={domain}", senders=addresses)[3] == dmarc


@pytest.mark.parametrize(
    ("value", "results"),
    [
        ("mx.example.com; none", ("", "", "")),
        ("mx.example.com; spf=softfail; dkim=none; dmarc=fail (p=REJECT)", ("softfail", "none", "fail")),
        ("mx.example.com; dmarc=bestguesspass", ("", "", "bestguesspass")),
        ("mx.example.com; dmarc=pass1; spf=pass.x; =pass; dkim==pass", ("", "", "")),
        ("mx.example.com; x-dmarc=pass; dmarc-x=pass", ("", "", "")),
        ("mx.example.com; spf=pass (never closed; dmarc=pass", ("pass", "", "")),
        ('mx.example.com; spf=pass "never closed; dmarc=pass', ("pass", "", "")),
    ],
)
def test_odd_and_broken_words_are_no_proof(value: str, results: tuple[str, str, str]) -> None:
    assert found(value)[1:] == results


def test_a_mail_carries_what_our_host_said() -> None:
    raw = (
        "Authentication-Results: mx.example.com;\r\n dkim=pass header.d=example.org;\r\n dmarc=fail\r\n"
        "From: ana@example.org\r\n\r\nHello"
    )
    message = read(raw, trusted_hosts=OURS)
    assert message.authentication == Authentication(host="mx.example.com", dkim="pass", dmarc="fail")
    assert message.authentication.failed
    assert read(raw).authentication == Authentication()


@pytest.mark.parametrize(
    "sender",
    [
        "From: ana@example.org, eve@evil.example.net",
        "From: ana@example.org\r\nFrom: eve@evil.example.net",
        "From: <eve@evil.example.net> <ana@example.org>",
        "From: <=?utf-8?b?YW5hQGV4YW1wbGUub3Jn?=>",
        "Sender: ana@example.org",
        "From: Ana\r\nReply-To: ana@example.org",
    ],
)
@pytest.mark.parametrize("said", ["dmarc=pass header.from=evil.example.net", "dmarc=none", "spf=pass"])
def test_an_address_that_our_host_did_not_check_is_not_believed(sender: str, said: str) -> None:
    """Whoever hides what was checked behind what people see is no customer, participant or colleague of ours."""
    message = read(f"Authentication-Results: mx.example.com; {said}\r\n{sender}\r\n\r\nHello", trusted_hosts=OURS)
    assert message.sender.email == "ana@example.org"
    assert message.authentication.failed
