"""Mails we write: threaded, marked as automatic, attached, encoded, and safe from smuggled headers."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.compose import compose, recipients_of
from channels.mail.parse import parse
from rules.effects import Mail, OwedFile
from rules.errors import PermanentDeliveryError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = Mailbox(
    name="support", address="support@example.com", aliases=("help@example.com",), display_name="Acme Support"
)
OWN = OwnAddresses((SUPPORT,))


def mail(**changes: Any) -> Mail:
    given: dict[str, Any] = {
        "mailbox": "support",
        "to": ("ana@example.org",),
        "subject": "Re: Printer [#17]",
        "text": "Hello Ana,\n\nwe are on it.\n",
        "message_id": "<17.1@example.com>",
    }
    return Mail(**(given | changes))


def written(mail: Mail, files: dict[str, bytes] | None = None) -> bytes:
    return compose(mail, mailbox=SUPPORT, own=OWN, now=NOW, files=lambda file: (files or {})[file.filename])


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def words(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def test_an_acknowledgement_says_who_when_and_that_a_machine_wrote_it() -> None:
    message = read(written(mail(in_reply_to="<1@x>", references=("<0@x>", "<1@x>"))))
    assert message["From"] == "Acme Support <support@example.com>"
    assert message["To"] == "ana@example.org"
    assert message["Subject"] == "Re: Printer [#17]"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<17.1@example.com>"
    assert message["In-Reply-To"] == "<1@x>"
    assert message["References"].split() == ["<0@x>", "<1@x>"]
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Deskbell-Loop"] == "support"
    assert words(message) == "Hello Ana,\n\nwe are on it.\n"


def test_a_mail_nobody_asked_for_is_generated_not_replied() -> None:
    assert read(written(mail()))["Auto-Submitted"] == "auto-generated"


def test_our_own_automatic_mail_is_known_again_when_it_comes_back() -> None:
    back = parse(written(mail()), received_at=NOW, channel="support")
    assert (back.automatic.kind, back.automatic.may_answer) == ("own", False)


def test_a_staff_reply_carries_no_mark_of_a_machine() -> None:
    message = read(written(mail(automatic=False, from_name="Ana Lima, Acme")))
    assert [name for name in message if name.lower().startswith(("auto-", "x-", "precedence"))] == []
    assert message["From"] == '"Ana Lima, Acme" <support@example.com>'


def test_reply_to_is_the_signed_address_when_given() -> None:
    assert read(written(mail(reply_to="support+17.k3@example.com")))["Reply-To"].addresses[0].addr_spec == (
        "support+17.k3@example.com"
    )


def test_chinese_is_read_back_letter_by_letter() -> None:
    text = "您好，\n\n我们已收到您的请求。\n"
    subject = "回复：打印机坏了，请尽快处理，谢谢您的支持与理解" * 4
    message = read(written(mail(subject=subject, text=text, from_name="客服中心")))
    assert message["Subject"] == subject
    assert message["From"].addresses[0].display_name == "客服中心"
    assert words(message) == text


@pytest.mark.parametrize("text", ["a" * 5000, "ä" + "b" * 2000, "trailing space \nFrom here\n.\n..\n", "\x00nul", ""])
def test_any_text_survives_in_lines_short_enough(text: str) -> None:
    raw = written(mail(text=text))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert words(read(raw)).rstrip("\n") == text.replace("\x00", "").rstrip("\n")


@given(
    st.lists(st.sampled_from(["a", ".", " ", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "é"])).map("".join)
)
def test_every_kind_of_line_end_arrives_as_one_line_end(text: str) -> None:
    wanted = re.sub("\r\n|[\r\x0b\x0c\x85\u2028]", "\n", text)
    wanted += "" if wanted.endswith("\n") else "\n"
    raw = written(mail(text=text))
    assert words(read(raw)) == wanted
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")


def test_long_reference_lists_keep_the_first_and_the_last_ten() -> None:
    ids = tuple(f"<{n}@example.org>" for n in range(500))
    raw = written(mail(references=ids, in_reply_to=ids[-1]))
    assert read(raw)["References"].split() == [ids[0], *ids[-10:]]
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_an_id_we_made_up_for_a_mail_without_one_is_not_told_to_the_world() -> None:
    raw = written(mail(in_reply_to="<abc@deskbell.invalid>", references=("<abc@deskbell.invalid>",)))
    assert b"deskbell.invalid" not in raw
    assert read(raw)["Auto-Submitted"] == "auto-replied"


def test_our_own_addresses_are_never_recipients() -> None:
    wanted = ("Support@Example.com", "ana@example.org", "support+17@example.com", "help@example.com")
    message = read(written(mail(to=wanted, cc=("bo@example.org", "ana@example.org", "help@example.com"))))
    assert (message["To"], message["Cc"]) == ("ana@example.org", "bo@example.org")


def test_a_mail_to_nobody_but_us_fails_for_good() -> None:
    with pytest.raises(PermanentDeliveryError, match="no recipient left"):
        written(mail(to=("support@example.com",)))


@pytest.mark.parametrize("local", ['"john doe"', '"a\\\\\\"b"', "o'brien+x", "张三"])
def test_every_address_that_may_write_to_us_can_be_answered(local: str) -> None:
    """Local parts in quotes too (RFC 5321 §4.1.2)."""
    assert recipients_of(mail(to=(f"{local}@example.org",)), OWN) == ((f"{local}@example.org",), ())


@pytest.mark.parametrize(
    "address", ['"a@example.org', '"a"b"@example.org', '"a\r\nRCPT"@x.test', "a b@x.test", '""@x.test']
)
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    with pytest.raises(PermanentDeliveryError, match="no recipient left"):
        recipients_of(mail(to=(address,)), OWN)


def test_files_travel_whole_with_their_names() -> None:
    files = {"合同 1.pdf": b"%PDF" + bytes(range(256)) * 50, "note.eml": b"From: x\r\n\r\n", "ö.txt": b""}
    owed = tuple(
        OwedFile(filename=name, content_type=kind, message_key="k", part=2)
        for name, kind in zip(files, ("application/pdf", "message/rfc822", "text/plain"), strict=True)
    )
    message = read(written(mail(html="<p>Hello</p>", files=owed), files))
    assert message.get_content_type() == "multipart/mixed"
    body = message.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == "<p>Hello</p>"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "we are on it" in plain.get_content()
    attached = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert attached == files


EVIL = st.text(st.characters(codec="utf-8") | st.sampled_from('\r\n\x00\u2028\x85<>,;:"@ '))


@given(subject=EVIL, name=EVIL, address=EVIL, reference=EVIL, filename=EVIL, text=EVIL)
@settings(max_examples=150, deadline=None)
@example(
    "a\r\nBcc: evil@example.org", "b\nX: y", "a@b\r\nX: y", "<a>\r\nX: y", 'c"\r\nX: y', "\r\n.\r\nMAIL FROM:<x@y>"
)
def test_no_value_can_start_a_header_of_its_own(
    subject: str, name: str, address: str, reference: str, filename: str, text: str
) -> None:
    owed = OwedFile(filename=filename, content_type=f"text/plain\r\n{name}", message_key="k")
    raw = written(
        mail(
            subject=subject,
            from_name=name,
            to=("ana@example.org", address),
            cc=(address,),
            reply_to=address,
            references=(reference,),
            in_reply_to=reference,
            text=text,
            files=(owed,),
        ),
        {filename: b"data"},
    )
    head = raw.partition(b"\r\n\r\n")[0]
    allowed = {"from", "to", "cc", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"}
    allowed |= {"auto-submitted", "x-auto-response-suppress", "x-deskbell-loop", "mime-version", "content-type"}
    fields = [line for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert {field.partition(b":")[0].decode().lower() for field in fields} <= allowed
    assert len(fields) == len({field.partition(b":")[0].lower() for field in fields})
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\x00" not in head


@given(subject=st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_subject_is_read_back_as_written(subject: str) -> None:
    assert parse(written(mail(subject=subject)), received_at=NOW, channel="s").subject == subject


def test_a_message_id_that_is_none_is_refused() -> None:
    with pytest.raises(PermanentDeliveryError, match="cannot be a Message-ID"):
        written(mail(message_id="<a@b>\r\nBcc: x@y"))
