"""Header fields: who, to whom, when, about what, also where they are encoded wrongly or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.channels.mail_reading import read, with_header


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Subject: =?utf-8?B?5omT5Y2w5py6?=", "打印机"),
        ("Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "Grüße aus Köln"),
        ("Subject: =?utf-8?B?5omT5Y0=?=\r\n =?utf-8?B?sOacug==?=", "打印机"),
        ("Subject: =?gb2312?B?tPLTobv6?=", "打印机"),
        ("Subject: =?utf-8?B?5omT5Y2w5py6?= is =?utf-8?Q?=C3=A4?=", "打印机 is ä"),
        ("Subject: =?utf-8*zh?B?5omT5Y2w5py6?=", "打印机"),
        ("Subject: =?utf-8?B?5omT5Y2w5py6=?=", "打印机"),
        ("Subject: =?x-nonsense?Q?caf=C3=A9?=", "café"),
        ("Subject: =??B?5omT5Y2w5py6?=", "打印机"),
        ("Subject: =?iso-8859-1?Q?=93quoted=94?=", "“quoted”"),
        ("Subject: =?iso-2022-jp?B?GyRCJVclaiVzJT8bKEI=?=", "プリンタ"),
        ("Subject: =?utf-8?Q?unfinished", "unfinished"),
        ("Subject: =?utf-8?Q?with spaces inside?=", "with spaces inside"),
        ("Subject: a=?utf-8?Q?b?=c", "abc"),
        ("Subject: 打印机 raw", "打印机 raw"),
        ("Subject:打印机".encode("gb18030") + "坏了请尽快处理谢谢".encode("gb18030"), "打印机坏了请尽快处理谢谢"),
        ("Subject: プリンタが壊れました".encode("cp932"), "プリンタが壊れました"),
        (b"Subject: a\x00b\x07c", "abc"),
        ("Subject:", ""),
        ("X-Nothing: 1", ""),
    ],
)
def test_subjects_are_decoded_also_where_they_are_broken(header: str | bytes, subject: str) -> None:
    assert with_header(header).subject == subject


@pytest.mark.parametrize(
    ("header", "email", "name"),
    [
        ("From: ana@example.org", "ana@example.org", ""),
        ('From: "Lima, Ana" <ana@example.org>', "ana@example.org", "Lima, Ana"),
        ("From: =?utf-8?B?5byg5LiJ?= <zs@example.cn>", "zs@example.cn", "张三"),
        ('From: "=?utf-8?B?5byg5LiJ?=" <zs@example.cn>', "zs@example.cn", "张三"),
        ("From: =?utf-8?B?5byg5LiJIDx6c0BleGFtcGxlLmNuPg==?=", "zs@example.cn", "张三"),
        ("From: ana@example.org (Ana Lima)", "ana@example.org", "Ana Lima"),
        ("From: Ana Lima ana@example.org", "ana@example.org", "Ana Lima"),
        ("From: <>\r\nFrom: Ana <ana@example.org>", "ana@example.org", "Ana"),
        ("From: Ana\r\nReply-To: ana@example.org", "ana@example.org", "Ana"),
        ("Sender: ana@example.org", "ana@example.org", ""),
        ('From: "ana@example.org" <ana@example.org>', "ana@example.org", "ana@example.org"),
        ("From: Ana <ana@example.org", "ana@example.org", "Ana"),
        ('From: "Ana \\"the\\" Lima" <ana@example.org>', "ana@example.org", 'Ana "the" Lima'),
        ("From: Team: ana@example.org;", "ana@example.org", ""),
        ("From: 张三 <张三@例子.中国>", "张三@例子.中国", "张三"),
        ("From: Ana <ana @example.org>", "ana@example.org", "Ana"),
        ("From: Lima, Ana <ana@example.org>", "ana@example.org", "Lima, Ana"),
        ("From: Ana <ana(her own)@example(.org).org>", "ana@example.org", "Ana"),
        ("From: Ana <@relay.example.net:ana@example.org>", "ana@example.org", "Ana"),
        ("From: Ana <mailto:ana@example.org>", "ana@example.org", "Ana"),
        ("From: Ana <@one.example.net,@two.example.net:ana@example.org>", "ana@example.org", "Ana"),
        ("From: ana@old.example.net <ana@example.org", "ana@example.org", "ana@old.example.net"),
        ('From: "ana lima"@example.org', '"ana lima"@example.org', ""),
        ("To: x@y", "", ""),
    ],
)
def test_the_sender_is_found(header: str, email: str, name: str) -> None:
    sender = with_header(header).sender
    assert (sender.email, sender.name) == (email, name)


def test_recipients_are_split_at_the_right_commas() -> None:
    header = 'To: "A, B" <a@x.org>, c@x.org; D (e, f) <d@x.org>,, undisclosed-recipients:;, A@x.org'
    assert [address.email for address in with_header(header).to] == ["a@x.org", "c@x.org", "d@x.org"]


def test_a_comma_in_a_name_without_quotes_divides_no_address() -> None:
    header = "To: staff, Lima, Ana <ana@example.org>, Bo <bo@example.org>, nobody"
    assert [(address.name, address.email) for address in with_header(header).to if address.email] == [
        ("Lima, Ana", "ana@example.org"),
        ("Bo", "bo@example.org"),
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Date: Mon, 2 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: 2 Mar 2026 10:00 GMT", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 10:00:00 -0000", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        (
            "Date: Mon, 2 Mar 2026 (the first Monday) 10:00:00 +0100 (CET (winter))",
            datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        ),
        ("Date: Mon, 2 Mar 2026 10:00:00 GMT+0100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 10:00:00 +01:00", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 10:00:00.250 -0030", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 at 10:00 +0100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: Mo, 2 März 2026 10:00 +0100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: 2026-03-02T10:00:00+01:00", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: 2026-03-02 10:00:00.5 -0030", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
        ("Date: 2026-03-02T10:00Z", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 10:00:00 +0100Received: from mx.test", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 126 10:00:00 GMT", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("Date: 2026-13-02 10:00:00 +0100", None),
        ("Date: yesterday", None),
        ("Date: Mon, 99 Mar 2026 10:00:00 +9999", None),
        ("Date: Mon, 2 Mar 99999999999 10:00:00 +0000", None),
        ("Date:", None),
    ],
)
def test_the_date_is_a_moment_or_nothing(header: str, expected: datetime | None) -> None:
    assert with_header(header).sent_at == expected


def test_an_address_that_no_mail_could_be_sent_to_is_none() -> None:
    """It would stand in every index, and its mail could not be written in lines that a relay takes."""
    header = f"From: Eve <{'a' * 5000}@example.org>, ana@example.org"
    assert with_header(header).sender.email == "ana@example.org"


@pytest.mark.parametrize("form", ["ana@example.org{}", "Ana <ana@{}example.org>", "Ana <ana@example.org{}>"])
@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\ufeff", "\u2066"])
def test_two_addresses_that_look_alike_are_one(form: str, sign: str) -> None:
    """A sign that nobody sees must not make a stranger look like a customer."""
    assert with_header(f"From: {form.format(sign)}").sender.email == "ana@example.org"


def test_the_date_keeps_the_senders_offset() -> None:
    """It is what tells a customer's time zone (R-CU-1)."""
    sent_at = with_header("Date: Mon, 2 Mar 2026 10:00:00 -0300").sent_at
    assert sent_at is not None
    assert sent_at.utcoffset() == timedelta(hours=-3)


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        ("From ana@example.org Mon Mar  2 10:00:00 2026\nSubject: x\n\nbody", "x", "body"),
        ("\r\n\r\nSubject: x\r\n\r\nbody", "x", "body"),
        ("Subject: x\nX-Long: one\ntwo without indent\nX-More: y\n\nbody", "x", "body"),
        ("Subject: x\nno blank line before this text\nmore", "x", "no blank line before this text\nmore"),
        ("only text, no header at all", "", "only text, no header at all"),
        ("Subject : x\r\n\r\nbody", "x", "body"),
        ("subject: first\r\nSUBJECT: second\r\n\r\nbody", "first", "body"),
        ("Subject: x\r\rbody", "x", "body"),
    ],
)
def test_headers_are_read_as_they_come_in_the_wild(raw: str, subject: str, text: str) -> None:
    message = read(raw)
    assert (message.subject, message.text) == (subject, text)
