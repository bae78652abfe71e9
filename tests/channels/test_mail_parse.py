"""Understanding a mail: who, what, when, which files; total on any bytes, quick on hostile ones."""

from __future__ import annotations

import base64
import quopri
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail import parse as parse_module
from channels.mail.parse import parse, part_bytes
from rules.model import Address, Bounce, Message, Origin

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(raw: bytes | str, **given: object) -> Message:
    data = raw.encode() if isinstance(raw, str) else raw
    return parse(data, received_at=NOW, channel="mail:support", **given)  # type: ignore[arg-type] # passed on as given


def with_header(line: str | bytes, body: bytes = b"Hello") -> Message:
    data = line.encode() if isinstance(line, str) else line
    return read(b"Message-ID: <1@x>\r\n" + data + b"\r\n\r\n" + body)


PLAIN = (
    "From: Ana Lima <Ana@Example.org>\r\n"
    'To: support@example.com, "Team, Blue" <team@example.com>\r\n'
    "Cc: bo@example.org\r\n"
    "Reply-To: ana.private@example.org\r\n"
    "Subject: Printer\r\n is down\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n"
    "Message-ID: <1@example.org>\r\n"
    "In-Reply-To: <0@example.com>\r\n"
    "References: <a@example.com>\r\n\t<0@example.com>\r\n"
    "\r\n"
    "It is down.\r\n\r\nOn Sun, 1 Mar 2026, Support wrote:\r\n> Is it up?\r\n"
)


def test_an_ordinary_mail_is_understood_in_all_its_fields() -> None:
    origin = Origin(mailbox="support", uid_validity=1, uid=2)
    message = read(PLAIN, recipients=("support@example.com",), origin=origin)
    assert message.sender == Address(email="ana@example.org", name="Ana Lima")
    assert message.to == (Address(email="support@example.com"), Address(email="team@example.com", name="Team, Blue"))
    assert message.cc == (Address(email="bo@example.org"),)
    assert message.reply_to == (Address(email="ana.private@example.org"),)
    assert message.subject == "Printer is down"
    assert message.sent_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert message.message_id == "<1@example.org>"
    assert message.in_reply_to == ("<0@example.com>",)
    assert message.references == ("<a@example.com>", "<0@example.com>")
    assert message.text == "It is down.\n\nOn Sun, 1 Mar 2026, Support wrote:\n> Is it up?"
    assert message.reply_text == "It is down."
    assert message.quoted_text.startswith("On Sun")
    assert (message.raw, message.received_at, message.recipients) == (PLAIN.encode(), NOW, ("support@example.com",))
    assert (message.origin, message.notes, message.automatic.kind) == (origin, (), "person")


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
        ("Subject: =?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"),
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
        ('From: "Ana \\"the\\" Lima" <ana@example.org>', "ana@example.org", "Ana the Lima"),
        ("From: Team: ana@example.org;", "ana@example.org", ""),
        ("From: 张三 <张三@例子.中国>", "张三@例子.中国", "张三"),
        ("From: Ana <ana @example.org>", "ana@example.org", "Ana"),
        ("To: x@y", "", ""),
    ],
)
def test_the_sender_is_found(header: str, email: str, name: str) -> None:
    sender = with_header(header).sender
    assert (sender.email, sender.name) == (email, name)


def test_recipients_are_split_at_the_right_commas() -> None:
    header = 'To: "A, B" <a@x.org>, c@x.org; D (e, f) <d@x.org>,, undisclosed-recipients:;, A@x.org'
    assert [address.email for address in with_header(header).to] == ["a@x.org", "c@x.org", "d@x.org"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Date: Mon, 2 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("Date: 2 Mar 2026 10:00 GMT", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("Date: Mon, 2 Mar 2026 10:00:00 -0000", datetime(2026, 3, 2, 10, 0, tzinfo=UTC)),
        ("Date: yesterday", None),
        ("Date: Mon, 99 Mar 2026 10:00:00 +9999", None),
        ("Date: Mon, 2 Mar 99999999999 10:00:00 +0000", None),
        ("Date:", None),
    ],
)
def test_the_date_is_utc_or_nothing(header: str, expected: datetime | None) -> None:
    assert with_header(header).sent_at == expected


def coded(text: str, charset: str, label: str, encoding: str = "base64") -> bytes:
    data = text.encode(charset)
    body = base64.encodebytes(data) if encoding == "base64" else quopri.encodestring(data)
    head = f"Content-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return b"Message-ID: <1@x>\r\n" + head.encode() + body


CHINESE = "您好，办公室的打印机坏了，请尽快派人来修理，谢谢。①㎡"
JAPANESE = "プリンタが壊れました。至急対応をお願いします。"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize(
    ("text", "charset", "label"),
    [
        (CHINESE, "gb18030", "gb2312"),
        (CHINESE, "gb18030", "GBK"),
        (CHINESE, "utf-8", "gb2312"),
        (CHINESE, "utf-8", "us-ascii"),
        (CHINESE, "utf-8", '"utf-8"'),
        (CHINESE, "gb18030", "y"),
        (CHINESE, "gb18030", "utf-8"),
        ("打印機壞了，請儘快派人來修理，謝謝。", "big5", "big5"),
        ("“smart” — quotes €", "cp1252", "iso-8859-1"),
        ("Grüße aus Köln", "latin-1", "iso-8859-1"),
        ("Grüße aus Köln", "latin-1", ""),
        ("Привет, принтер не работает, помогите", "koi8-r", "koi8-r"),
        ("Привет, принтер не работает, помогите", "cp1251", "unknown-8bit"),
        ("프린터가 고장났습니다 똠방각하", "cp949", "ks_c_5601-1987"),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp"),
        (JAPANESE, "iso-2022-jp", "us-ascii"),
        (JAPANESE, "cp932", "Shift_JIS"),
        (JAPANESE, "euc-jp", "euc-jp"),
        ("Γειά σου Κόσμε", "iso-8859-7", "iso-8859-7"),
        ("Hello", "utf-16", "utf-16"),
        ("Grüße", "utf-7", "utf-7"),
    ],
)
def test_text_is_read_whatever_its_charset_is_called(text: str, charset: str, label: str, encoding: str) -> None:
    assert read(coded(text, charset, label, encoding)).text == text


def test_vendor_characters_in_iso_2022_jp_are_read() -> None:
    body = b"\x1b$B" + bytes((0x2D, 0x21, 0x25, 0x57)) + b"\x1b(B ok"
    assert with_header("Content-Type: text/plain; charset=iso-2022-jp", body).text == "①プ ok"


def test_a_label_that_is_a_lie_is_noted() -> None:
    message = read(coded(CHINESE, "utf-8", "iso-8859-1"))
    assert "although it is labelled iso-8859-1" in " ".join(message.notes)


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("base64", b"SGVsbG8", "Hello"),
        ("base64", b"SGVs\r\nbG8=\r\nIHdvcmxk", "Hello world"),
        ("base64", b"Hello, this is no base64 at all!", "Hello, this is no base64 at all!"),
        ("BASE64 ", b"SGVsbG8=", "Hello"),
        ("quoted-printable", b"a=3Db=\r\nc =C3=A4 =ZZ", "a=bc ä =ZZ"),
        ("8bit", "ä".encode(), "ä"),
        ("nonsense", b"Hello", "Hello"),
        ("x-uuencode", b"begin 644 x.txt\n%2&5L;&\\\n`\nend\n", "Hello"),
    ],
)
def test_transfer_encodings_are_undone_also_where_they_are_wrong(encoding: str, body: bytes, text: str) -> None:
    header = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}"
    assert with_header(header, body).text == text


def multipart(subtype: str, *parts: str, boundary: str = "b", closed: bool = True) -> str:
    pieces = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    end = f"--{boundary}--\r\n" if closed else ""
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{pieces}{end}'


TEXT = "Content-Type: text/plain\r\n\r\nplain words"
HTML = "Content-Type: text/html\r\n\r\n<p>html words</p>"
IMAGE = (
    "Content-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\naW1hZ2U="
)
FILE = "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF"


@pytest.mark.parametrize(
    ("mail", "text", "files"),
    [
        (multipart("alternative", TEXT, HTML), "plain words", []),
        (multipart("alternative", HTML, TEXT), "plain words", []),
        (multipart("alternative", "Content-Type: text/plain\r\n\r\n \r\n", HTML), "html words", []),
        (multipart("alternative", HTML), "html words", []),
        (multipart("mixed", TEXT, FILE), "plain words", ["a.pdf"]),
        (multipart("mixed", TEXT, FILE, HTML), "plain words\n\nhtml words", ["a.pdf"]),
        (multipart("related", HTML, IMAGE), "html words", ["logo.png"]),
        (multipart("mixed", multipart("alternative", TEXT, HTML, boundary="i"), FILE), "plain words", ["a.pdf"]),
        (multipart("mixed", TEXT, FILE, closed=False), "plain words", ["a.pdf"]),
        (multipart("mixed", multipart("related", TEXT, boundary="i", closed=False), FILE), "plain words", ["a.pdf"]),
        (
            multipart("signed", TEXT, "Content-Type: application/pgp-signature; name=s.asc\r\n\r\nx"),
            "plain words",
            ["s.asc"],
        ),
        (
            multipart("alternative", TEXT, "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR"),
            "plain words",
            ["part-3.ics"],
        ),
        (
            multipart("mixed", "Content-Type: text/plain; name=log.txt\r\n\r\nfirst is the text"),
            "first is the text",
            [],
        ),
        (multipart("mixed", TEXT, "Content-Type: text/plain; name=log.txt\r\n\r\nlog"), "plain words", ["log.txt"]),
        ("Content-Type: multipart/mixed\r\n\r\n--q\r\n\r\nguessed\r\n--q--\r\n", "guessed", []),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts at all", "no parts at all", []),
        ("Content-Type: application/pdf\r\n\r\n%PDF", "", ["part-1.pdf"]),
        ("Content-Type: text\r\n\r\nold style", "old style", []),
        ("Content-Type: nonsense nonsense\r\n\r\nbytes", "", ["part-1.bin"]),
    ],
)
def test_text_and_files_are_told_apart(mail: str, text: str, files: list[str]) -> None:
    message = read(mail)
    assert message.text == text
    assert [attachment.filename for attachment in message.attachments] == files


def test_a_file_can_be_read_again_by_its_part_number() -> None:
    data = bytes(range(256)) * 40
    encoded = base64.encodebytes(data).decode()
    binary = f"Content-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}"
    raw = multipart("mixed", multipart("alternative", TEXT, HTML, boundary="i"), FILE, binary).encode()
    message = read(raw)
    assert [attachment.part for attachment in message.attachments] == [5, 6]
    image = message.attachments[1]
    assert part_bytes(raw, image.part) == data
    assert (image.size, image.sha256, image.content_type) == (len(data), sha256(data).hexdigest(), "image/png")
    assert part_bytes(raw, 99) == b""


def test_inline_images_keep_their_content_id() -> None:
    image = read(multipart("related", HTML, IMAGE)).attachments[0]
    assert (image.inline, image.content_id) == (True, "logo@x")


@pytest.mark.parametrize(
    ("parameter", "filename"),
    [
        ('filename="a b.pdf"', "a b.pdf"),
        ("filename*=utf-8''%E5%90%88%E5%90%8C.pdf", "合同.pdf"),
        ("filename*0*=utf-8''%E5%90%88; filename*1*=%E5%90%8C; filename*2=.pdf", "合同.pdf"),
        ("filename=plain.pdf; filename*=utf-8''%E5%90%88.pdf", "合.pdf"),
        ('filename="=?utf-8?B?5ZCI5ZCMLnBkZg==?="', "合同.pdf"),
        ('filename="合同.pdf"', "合同.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\Users\\\\a.exe"', "a.exe"),
        ('filename="a\x00b\u202egpj.exe"', "a_b_gpj.exe"),
        ('filename="' + "x" * 300 + '.pdf"', "x" * 180 + ".pdf"),
        ('filename=".."', "part-1.pdf"),
        ('filename="unclosed.pdf', "unclosed.pdf"),
    ],
)
def test_file_names_are_read_and_made_safe(parameter: str, filename: str) -> None:
    message = with_header(f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameter}")
    assert [attachment.filename for attachment in message.attachments] == [filename]


def test_html_becomes_the_text_a_person_sees() -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><div style='display:none'>preheader</div>"
        "<p>Hello&nbsp;<b>you</b> &amp; all</p><script>alert(1)</script><ul><li>one<li>two</ul>"
        "<a href='https://example.org/x'>link</a></body></html>"
    )
    text = with_header("Content-Type: text/html", html.encode()).text
    assert "Hello you & all" in text
    assert "one" in text
    assert "link" in text
    assert not any(word in text for word in ("preheader", "alert", "p{}", "<"))


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div>On Mon Ana wrote</div><blockquote>old words</blockquote></div>',
        '<blockquote type="cite">old words</blockquote>',
        '<div id="divRplyFwdMsg"><b>From:</b> Support</div><div>old words</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>From: Support</p></div><p>old words</p>',
        '<div class="ntes-mailmaster-quote">old words</div>',
        '<div id="isReplyContent">old words</div>',
        '<div class="yahoo_quoted">old words</div>',
    ],
)
def test_quotes_that_html_clients_mark_are_told_from_the_reply(quote: str) -> None:
    message = with_header("Content-Type: text/html", f"<div>new words</div>{quote}".encode())
    assert message.reply_text == "new words"
    assert "old words" in message.quoted_text


def test_answers_between_html_quotes_are_kept() -> None:
    html = "<p>Hi</p><blockquote type=cite>q1</blockquote><p>a1</p><blockquote type=cite>q2</blockquote><p>a2</p>"
    message = with_header("Content-Type: text/html", html.encode())
    assert all(word in message.reply_text for word in ("Hi", "q1", "a1", "q2", "a2"))


REPORT = (
    "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <r@x>\r\n"
    "Auto-Submitted: auto-replied\r\n"
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver it.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; relay.example\r\n\r\n"
    "Final-Recipient: rfc822; Ana@Example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 no such\r\n user\r\n\r\n"
    "Final-Recipient: rfc822; bo@example.org\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
    "Final-Recipient: rfc822; cy@example.org\r\nAction: delivered\r\nStatus: 2.0.0\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: Re: Printer\r\nMessage-ID: <17.1@example.com>\r\n\r\nour words\r\n--b--\r\n"
)


def test_a_delivery_report_names_each_recipient_s_fate_and_our_mail() -> None:
    message = read(REPORT)
    assert message.bounces == (
        Bounce(recipient="ana@example.org", status="5.1.1", permanent=True, original_message_id="<17.1@example.com>"),
        Bounce(recipient="bo@example.org", status="4.4.1", permanent=False, original_message_id="<17.1@example.com>"),
    )
    assert message.automatic.kind == "bounce"
    assert message.text == "I could not deliver it."
    assert [attachment.filename for attachment in message.attachments] == ["part-3.txt", "Re_ Printer.eml"]


def test_failed_recipients_in_a_header_are_bounces_too() -> None:
    message = with_header("From: MAILER-DAEMON@x.org\r\nX-Failed-Recipients: ana@example.org")
    assert message.bounces == (Bounce(recipient="ana@example.org", status="5.0.0", permanent=True),)


def test_a_person_who_forwards_a_report_reports_nothing() -> None:
    forwarded = REPORT.replace("From: MAILER-DAEMON@relay.example\r\n", "From: ana@example.org\r\n")
    inner = f"Content-Type: message/rfc822\r\n\r\n{forwarded}"
    message = read("From: ana@example.org\r\n" + multipart("mixed", TEXT, inner, boundary="outer"))
    assert (message.bounces, message.automatic.is_automatic) == ((), False)


def test_a_nested_mail_is_one_file_and_not_the_text() -> None:
    inner = f"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n{multipart('mixed', TEXT, FILE, boundary='i')}"
    message = read(multipart("mixed", "Content-Type: text/plain\r\n\r\nouter", inner))
    assert message.text == "outer"
    assert [attachment.filename for attachment in message.attachments] == ["inner.eml"]


def test_a_retransmission_has_the_same_key_whatever_way_it_took() -> None:
    again = "Received: from a by b\r\nX-Spam: no\r\n" + PLAIN
    assert read(again).key == read(PLAIN).key == read(PLAIN.replace("\r\n", "\n")).key
    assert read(PLAIN).key.startswith("mail:support:<1@example.org>:")


def test_the_same_id_with_other_content_or_another_mailbox_is_another_message() -> None:
    elsewhere = parse(PLAIN.encode(), received_at=NOW, channel="mail:sales").key
    keys = {read(PLAIN).key, read(PLAIN.replace("It is down", "It is up")).key, elsewhere}
    assert len(keys | {read(PLAIN.replace("Subject: P", "Subject: Q")).key}) == 4


def test_a_mail_without_id_gets_the_same_one_each_time() -> None:
    bare = PLAIN.replace("Message-ID: <1@example.org>\r\n", "")
    first, again, other = read(bare), read(bare), read(bare.replace("down", "up"))
    assert first.message_id == again.message_id != other.message_id
    assert first.message_id.endswith("@deskbell.invalid>")
    assert first.key == again.key
    assert ":-:" in first.key
    assert any("no Message-ID" in note for note in first.notes)


@pytest.mark.parametrize("head", ["Message-ID:\r\n", "Message-ID: <>\r\n", "Message-ID:    \r\n"])
def test_an_empty_id_is_none(head: str) -> None:
    assert read(head + "Subject: x\r\n\r\ny").message_id.endswith("@deskbell.invalid>")


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


def test_nul_bytes_are_left_out_and_said() -> None:
    message = with_header("Subject: x", b"a\x00b")
    assert message.text == "ab"
    assert any("NUL" in note for note in message.notes)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "100 MB of lines": lambda: b"Subject: x\r\n\r\n" + b"hello world this is a line\r\n" * 3_700_000,
    "100 MB in one line": lambda: b"Subject: x\r\n\r\n" + b"a" * 100_000_000,
    "100 MB attachment": lambda: (
        b"Content-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 25_000_000
    ),
    "10,000 parts": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nhi\r\n" * 10_000,
    "5,000 levels": lambda: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000)
    ),
    "5 MB of NUL": lambda: b"\0" * 5_000_000,
    "5 MB of 0xFF": lambda: b"\xff" * 5_000_000,
    "40 kB lines": lambda: b"Subject: " + b"x" * 40_000 + b"\r\n\r\n" + (b"y" * 40_000 + b"\r\n") * 20,
    "1,000,000 fields": lambda: b"X: y\r\n" * 1_000_000,
    "200,000 divs": lambda: b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000 + b"deep",
    "30,000 scripts": lambda: b"Content-Type: text/html\r\n\r\n" + b"<script>" * 30_000,
    "many formatting tags": lambda: b"Content-Type: text/html\r\n\r\n" + b"<b><a href=x><i><p>" * 30_000,
    "many tables": lambda: b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>x" * 2_500,
    "unclosed tags": lambda: b"Content-Type: text/html\r\n\r\n" + b"<" * 2_000_000,
    "attributes": lambda: b"Content-Type: text/html\r\n\r\n<p " + b"a " * 500_000 + b">x",
    "quotes in To": lambda: b"To: " + b'"a(<' * 200_000 + b"\r\n\r\n",
    "addresses": lambda: b"To: " + b"a@b.c, " * 140_000 + b"\r\n\r\n",
    "parameters": lambda: b"Content-Type: text/plain" + b';a="' * 100_000 + b"\r\n\r\n",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?" * 90_000 + b"\r\n\r\n",
    "references": lambda: b"References: " + b"<a@b> " * 160_000 + b"\r\n\r\n",
    "quote marks": lambda: b"\r\n" + b"> On a\r\n" * 500_000,
    "attributions": lambda: b"\r\n" + b"On Mon wrote:\r\n" * 300_000,
    "header blocks": lambda: b"\r\n\r\n" + b"x\r\n" + b"From: a\r\n" * 500_000,
    "boundary almost": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bb\r\n--b" * 500_000,
    "reports": lambda: REPORT.replace("Action: failed", "Action: failed\r\n\r\n" * 50_000).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_within_five_seconds(name: str) -> None:
    raw = HOSTILE[name]()
    began = time.perf_counter()
    message = read(raw)
    assert time.perf_counter() - began < 5
    assert not any("could not be read" in note for note in message.notes)
    assert len(message.text) <= 4_000_000
    assert len(message.attachments) <= 1_000
    assert message.reply_text or not message.text.strip()


def test_what_was_cut_is_said() -> None:
    notes = {name: " ".join(read(HOSTILE[name]()).notes) for name in ("10,000 parts", "5,000 levels", "200,000 divs")}
    assert "more than 1,000 parts" in notes["10,000 parts"]
    assert "nested too deep" in notes["5,000 levels"]
    assert "nested too deep" in notes["200,000 divs"]


PIECES = st.sampled_from(
    [
        b"From: a@b\r\n",
        b"Subject: =?utf-8?B?5omT",
        b"=?=",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/report; boundary=b\r\n",
        b"Content-Type: text/html; charset=gb2312\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%E5\r\n",
        b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n",
        b"charset=utf-7\r\n",
        b"charset=utf-16\r\n",
        b"charset=idna\r\n",
        b"charset=rot13\r\n",
        b"charset=\x00\r\n",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\x1b$B",
        b"<div><blockquote type=cite>",
        b"> quoted\r\n",
        b"begin 644 x\n",
    ]
)


@given(pieces=st.lists(PIECES | st.binary(max_size=40), max_size=25))
@settings(max_examples=400, deadline=None)
def test_parse_is_total_on_any_bytes(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    message = read(raw)
    assert not any("could not be read" in note for note in message.notes), message.notes
    assert message.raw == raw
    assert message.message_id.startswith("<")
    for text in (message.subject, message.text, message.sender.name, message.sender.email):
        text.encode("utf-8")
        assert "\x00" not in text
    assert sorted(message.text.split()) == sorted(message.reply_text.split() + message.quoted_text.split())
    for attachment in message.attachments:
        data = part_bytes(raw, attachment.part)
        assert (len(data), sha256(data).hexdigest()) == (attachment.size, attachment.sha256)
        assert attachment.filename
        assert "/" not in attachment.filename


def test_a_bug_in_the_reader_loses_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> None:
        raise RecursionError("a bug")

    monkeypatch.setattr(parse_module, "read_tree", broken)
    message = read(PLAIN)
    assert message.raw == PLAIN.encode()
    assert "It is down." in message.text
    assert "could not be read (RecursionError" in message.notes[0]
    assert message.key == read(PLAIN).key
