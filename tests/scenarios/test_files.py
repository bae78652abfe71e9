"""Attachments go both ways (R-HA-2, complaint 65): a customer's reach the thread, those of staff reach the customer."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from bot.window import Window
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from channels.protocol import Answer
from rules.effects import Mail, OutboxEntry, OutboxState, OwedFile, StaffFile, Upload
from rules.files import CHAT_COUNT_MOST, CHAT_MOST, STAFF_COUNT_MOST, STAFF_MOST, size_in_words
from rules.model import Actor, Attachment, Command, EntryKind
from tests.stage import Stage, a_stage

ALICE = "alice@customer.test"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 9
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 7
PICTURE = StaffFile(filename="Anleitung für Mei.png", content_type="image/png", data=PNG)


def a_mail_with(*files: tuple[str, str, bytes], subject: str = "Invoice") -> bytes:
    """A customer's mail, as their mail program writes it."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = ALICE, "support@example.com", subject
    mail["Message-ID"] = "<1@customer.test>"
    mail.set_content("See the invoice.\r\n")
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def received(stage: Stage, raw: bytes) -> None:
    """A mail comes in as it is on the wire."""
    box = stage.policy.mailboxes[0]
    channel = f"mail:{box.name}"
    stage.desk.receive(parse(raw, received_at=stage.clock.at, channel=channel, recipients=(box.address,)))
    stage.deliver()


def says(stage: Stage, name: str, text: str, *files: StaffFile, via: str = "console", **args: str) -> Answer:
    """Ana gives a command with files."""
    stage.asked += 1
    actor = Actor(name="Ana", staff="ana", via=via)
    answer = stage.desk.obey(
        Command(
            key=f"{via}:{stage.asked}", name=name, actor=actor, at=stage.clock.at, ticket=1, text=text, args=args,
            files=files,
        )
    )  # fmt: skip
    stage.deliver()
    return answer


def uploads(stage: Stage) -> list[Upload]:
    """What was put into threads."""
    return [entry.content for entry in stage.sent if isinstance(entry.content, Upload)]


def written(stage: Stage, mail: Mail) -> Any:
    """A mail of ours as the customer's mail program reads it."""
    box = stage.policy.mailboxes[0]
    own = OwnAddresses(stage.policy.mailboxes)
    raw = compose(mail, mailbox=box, own=own, now=stage.clock.at, files=Window(stage.store).file)
    return message_from_bytes(raw, policy=policy.default)


def test_a_customers_pdf_reaches_the_thread_behind_the_line_that_tells_of_it() -> None:
    """Also that of the first mail, whose words stand on the card; each file is an effect of its own (law 5)."""
    stage = a_stage()
    received(stage, a_mail_with(("Rechnung März.pdf", "application/pdf", PDF), ("log.txt", "text/plain", b"line\r\n")))
    chat = [entry.key for entry in stage.sent if entry.channel == "chat"]
    assert chat == ["1:card:1", "1:message:1", "1:message:1:file:1", "1:message:1:file:2"]
    assert [file.filename for file in stage.posts(1)[0].files] == ["Rechnung März.pdf", "log.txt"]
    assert all(upload.after == "1:message:1" for upload in uploads(stage))
    assert Window(stage.store).file(uploads(stage)[0].file) == PDF
    assert uploads(stage)[0].file.size == len(PDF)


def test_a_mail_without_files_has_no_line_about_files() -> None:
    stage = a_stage()
    received(stage, a_mail_with())
    assert stage.posts(1) == []


def test_a_later_mails_files_stand_behind_its_line() -> None:
    stage = a_stage()
    stage.mail()
    photo = Attachment(filename="a.jpg", content_type="image/jpeg", size=9, sha256="ab", part=2)
    stage.answer("Here it is.", attachments=(photo,), raw=b"raw")
    assert [key for key in stage.effects() if ":message:" in key] == ["1:message:2", "1:message:2:file:1"]


@pytest.mark.parametrize(
    ("changes", "shown", "uploaded"),
    [
        ({}, True, True),
        ({"size": CHAT_MOST + 1}, True, False),
        ({"size": 0}, True, False),
        ({"inline": True}, False, False),
        ({"inline": True, "size": 30 * 1024}, True, True),
        ({"inline": True, "size": 30 * 1024, "content_type": "text/css"}, False, False),
    ],
)
def test_what_is_shown_and_what_is_put_into_the_thread(changes: dict[str, Any], shown: bool, uploaded: bool) -> None:
    """A logo is left out, a pasted screenshot is not; what is too large or empty is named and stays where it is."""
    stage = a_stage()
    file = Attachment(filename="a.png", content_type="image/png", size=9, sha256="ab", part=2)
    stage.mail(attachments=(replace(file, **changes),), raw=b"raw")
    assert [len(post.files) for post in stage.posts(1)] == ([1] if shown else [])
    assert len(uploads(stage)) == uploaded


def test_a_mail_of_a_thousand_files_does_not_flood_the_thread() -> None:
    """All are named, as many as a person looks at are put there."""
    stage = a_stage()
    file = Attachment(filename="a.png", content_type="image/png", size=9, sha256="ab", part=2)
    stage.mail(attachments=tuple(replace(file, part=part) for part in range(2, 1002)), raw=b"raw")
    assert len(stage.posts(1)[0].files) == 1000
    assert len(uploads(stage)) == CHAT_COUNT_MOST


def test_staffs_picture_reaches_the_customers_mail_byte_for_byte() -> None:
    """Held like any reply, kept in the commit that holds it, and listed in the journal."""
    stage = a_stage()
    stage.mail()
    says(stage, "reply", "See the picture.", PICTURE)
    assert stage.mails_to(ALICE)[-1].automatic
    stage.wait(seconds=21)
    mail = written(stage, stage.mails_to(ALICE)[-1])
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("Anleitung für Mei.png", "image/png")
    assert part.get_content() == PNG
    assert "See the picture." in mail.get_body().get_content()
    (entry,) = stage.entries(kind=EntryKind.REPLIED)
    assert [(file.filename, file.size) for file in entry.attachments] == [("Anleitung für Mei.png", len(PNG))]
    assert list(stage.store.verify()) == []


def test_a_reply_may_be_a_file_alone() -> None:
    stage = a_stage()
    stage.mail()
    assert says(stage, "reply", "", PICTURE).refusal is None
    stage.wait(seconds=21)
    assert next(written(stage, stage.mails_to(ALICE)[-1]).iter_attachments()).get_content() == PNG
    assert stage.ticket().first_response_at is not None


def test_an_edited_reply_keeps_its_files_and_a_withdrawn_one_sends_none() -> None:
    """The words are changed, what was attached stays (complaint 68)."""
    stage = a_stage()
    stage.mail()
    says(stage, "reply", "Se teh picture.", PICTURE, via="chat", target="C1:7")
    says(stage, "edit", "See the picture.", via="chat", target="C1:7")
    says(stage, "reply", "A slip.", PICTURE, via="chat", target="C1:8")
    says(stage, "withdraw", "", via="chat", target="C1:8")
    stage.wait(seconds=21)
    (mail,) = [mail for mail in stage.mails_to(ALICE) if not mail.automatic]
    assert next(written(stage, mail).iter_attachments()).get_content() == PNG
    assert "See the picture." in mail.text
    assert uploads(stage) == []


def test_a_file_under_a_note_stays_inside() -> None:
    """Nothing of it is owed to anybody outside (R-HA-2)."""
    stage = a_stage()
    stage.mail()
    says(stage, "note", "", PICTURE)
    stage.wait(hours=1)
    (entry,) = stage.entries(kind=EntryKind.NOTED)
    assert [file.filename for file in entry.attachments] == ["Anleitung für Mei.png"]
    assert all(mail.automatic and not mail.files for mail in stage.mails())
    assert list(stage.store.verify()) == []


@pytest.mark.parametrize("name", ["reply", "note"])
def test_what_is_attached_elsewhere_is_put_into_the_thread_too(name: str) -> None:
    """Colleagues in the chat see what went out by script."""
    stage = a_stage()
    stage.mail()
    says(stage, name, "See the picture.", PICTURE, via="cli")
    (upload,) = uploads(stage)
    assert Window(stage.store).file(upload.file) == PNG
    assert upload.after in stage.effects()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ((replace(PICTURE, data=b"", problem="broken"),), "Anleitung für Mei.png could not be fetched"),
        ((replace(PICTURE, data=b"", problem="hidden"),), "may not read Anleitung für Mei.png"),
        ((replace(PICTURE, data=b"", problem="elsewhere"),), "kept by another service"),
        ((replace(PICTURE, data=b"", problem="large"),), "Anleitung für Mei.png is too large"),
        ((replace(PICTURE, data=bytes(STAFF_MOST)), PICTURE), "more than 20 MB together"),
        ((PICTURE,) * (STAFF_COUNT_MOST + 1), "at most 20 files"),
    ],
)
@pytest.mark.parametrize("name", ["reply", "note"])
def test_a_reply_whose_file_cannot_be_taken_does_not_leave_without_it(
    files: tuple[StaffFile, ...], told: str, name: str
) -> None:
    """The author is told which file and why; nothing goes out half and nothing is kept."""
    stage = a_stage()
    stage.mail()
    refusal = says(stage, name, "See the picture.", *files).refusal
    assert refusal is not None
    assert (refusal.code, told in refusal.text) == ("file", True)
    stage.wait(hours=1)
    assert all(mail.automatic for mail in stage.mails())
    with stage.store.read() as store, pytest.raises(KeyError):
        store.raw(f"console:{stage.asked}:file:1")


def test_a_strangers_file_is_refused_for_who_they_are_and_not_kept() -> None:
    stage = a_stage()
    stage.mail()
    command = Command(
        key="k", name="reply", actor=Actor(name="Eve"), at=stage.clock.at, ticket=1, text="", files=(PICTURE,)
    )
    refusal = stage.desk.obey(command).refusal
    assert refusal is not None
    assert refusal.code == "stranger"
    with stage.store.read() as store, pytest.raises(KeyError):
        store.raw("k:file:1")


class BrokenArguments(dict[str, str]):
    """What a command carries, as a bug of ours would trip over it."""

    def items(self) -> Any:
        raise ZeroDivisionError("a bug of ours")


def test_a_reply_that_breaks_us_is_kept_with_its_file_and_sent_after_the_fix() -> None:
    """Quarantine holds the bytes too (complaint 7)."""
    stage = a_stage()
    stage.mail()
    actor = Actor(name="Ana", staff="ana", via="console")
    command = Command(
        key="k", name="reply", actor=actor, at=stage.clock.at, ticket=1, text="See", args=BrokenArguments(),
        files=(PICTURE,),
    )  # fmt: skip
    refusal = stage.desk.obey(command).refusal
    assert refusal is not None
    assert refusal.code == "bug"
    assert stage.desk.requeue("k") == "reply"
    stage.wait(seconds=21)
    assert next(written(stage, stage.mails_to(ALICE)[-1]).iter_attachments()).get_content() == PNG


def test_a_file_that_chat_refuses_is_told_by_mail_and_its_neighbours_go_on() -> None:
    """By the other channel, to whoever is responsible (complaint 63)."""
    stage = a_stage()

    def fate(entry: OutboxEntry) -> OutboxState:
        return OutboxState.FAILED if entry.key == "1:message:1:file:1" else OutboxState.ACCEPTED

    stage.fate = fate
    received(stage, a_mail_with(("a.pdf", "application/pdf", PDF), ("b.pdf", "application/pdf", PDF)))
    assert "1:message:1:file:2" in stage.effects()
    assert any("a.pdf" in mail.text and "could not be posted" in mail.text for mail in stage.mails())


@pytest.mark.parametrize("kind", ["", "image", "text/html\r\nBcc: eve@evil.test", "image/\udcff", "a/b; name=x", "A/B"])
def test_a_type_that_is_none_is_sent_as_plain_bytes(kind: str) -> None:
    """What a browser or a chat calls a file is not believed to be well formed."""
    stage = a_stage()
    stage.mail()
    assert says(stage, "reply", "x", replace(PICTURE, content_type=kind)).refusal is None
    (entry,) = stage.entries(kind=EntryKind.REPLIED)
    assert entry.attachments[0].content_type == "application/octet-stream"


def test_a_name_from_a_staff_members_machine_is_cut_to_a_file_name() -> None:
    """No folders, no line breaks; a header of the mail cannot be smuggled in by it."""
    stage = a_stage()
    stage.mail()
    says(stage, "reply", "x", replace(PICTURE, filename="C:\\Users\\ana\\a\r\nBcc: eve@evil.test.png"))
    stage.wait(seconds=21)
    mail = written(stage, stage.mails_to(ALICE)[-1])
    assert mail["Bcc"] is None
    assert next(mail.iter_attachments()).get_filename() == "aBcc_ eve@evil.test.png"


@pytest.mark.parametrize(("size", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (2048, "2 KB"), (5 << 20, "5.0 MB")])
def test_a_size_is_told_in_words(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_the_bytes_of_a_file_that_is_not_there_are_not_made_up() -> None:
    with pytest.raises(KeyError):
        Window(a_stage().store).file(OwedFile(filename="a", content_type="a/b", message_key="nobody's"))


def test_a_program_a_customer_sends_is_kept_named_and_handed_to_nobody() -> None:
    """Its line in the thread says why; it is no upload, and an answer carries it nowhere."""
    stage = a_stage()
    program = ("invoice.pdf.exe", "application/pdf", b"MZ\x90\x00" + bytes(80))
    received(stage, a_mail_with(("real.pdf", "application/pdf", PDF), program))
    uploads = [entry.content.file.filename for entry in stage.sent if isinstance(entry.content, Upload)]
    assert uploads == ["real.pdf"]
    (told,) = [file for post in stage.posts(1) for file in post.files if file.held]
    assert (told.filename, ".exe" in told.held) == ("invoice.pdf.exe", True)
    assert [file.held != "" for file in stage.entries(kind=EntryKind.RECEIVED)[0].attachments] == [False, True]


def test_a_held_file_leaves_by_no_mail() -> None:
    """Whatever put it there."""
    stage = a_stage()
    received(stage, a_mail_with(("x.exe", "application/octet-stream", b"MZ\x90\x00" + bytes(80))))
    says(stage, "reply", "See the file.", PICTURE, now="1")
    answer = stage.mails_to(ALICE)[-1]
    bad = OwedFile(filename="x.exe", content_type="application/pdf", message_key="k", held="a program (.exe)")
    box = stage.policy.mailboxes[0]
    raw = compose(
        replace(answer, files=(*answer.files, bad)), mailbox=box, own=OwnAddresses((box,)), now=stage.clock.at,
        files=Window(stage.store).file,
    )  # fmt: skip
    names = [part.get_filename() for part in message_from_bytes(raw, policy=policy.default).walk()]
    assert [name for name in names if name] == ["Anleitung für Mei.png"]


def test_the_thread_of_mails_keeps_its_first_one_for_ever() -> None:
    """References begin with the mail that opened the ticket, however many answers follow (complaint 36)."""
    stage = a_stage()
    received(stage, a_mail_with(("real.pdf", "application/pdf", PDF)))
    for number in range(15):
        says(stage, "reply", f"Answer {number}.", now="1")
    references = stage.ticket().references
    assert references[0] == "<1@customer.test>"
    assert len(references) == 11
    assert references[-1] == stage.mails_to(ALICE)[-1].message_id


@pytest.mark.parametrize(
    "method", ["REQUEST", "CANCEL", "REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH", "ADD", "PUBLISH"]
)
def test_an_invitation_says_in_the_thread_what_it_is_about(method: str) -> None:
    """Whoever answers sees when and where without opening a calendar file, in both languages of the desk."""
    calendar = (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nSUMMARY:Review\r\nLOCATION:Room 2\r\n"
        "DTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    for language in ("en", "zh-CN"):
        stage = a_stage(languages=(language,))
        received(stage, a_mail_with(("invite.ics", "text/calendar", calendar.encode())))
        (told,) = [post for post in stage.posts(1) if post.mark == "calendar"]
        assert "Review, 2026-12-01 09:00" in told.text
        assert "Room 2" in told.text


SEALED = (
    b"From: Lukas <lukas@customer.test>\r\nTo: support@example.com\r\nSubject: Confidential\r\nMessage-ID: <seal@x>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/%s; protocol="application/pgp-%s"; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n--b\r\nContent-Type: %s\r\n\r\n-----BEGIN PGP\r\n--b--\r\n"
)


def read_sealed(raw: bytes, stage: Stage) -> list[str]:
    """What the thread says of a mail as it came over the line."""
    message = parse(raw, received_at=stage.clock.at, channel="mail:support", recipients=("support@example.com",))
    stage.desk.receive(message)
    stage.deliver()
    return [post.text for post in stage.posts() if post.mark == "protected"]


def test_an_encrypted_mail_says_in_the_thread_that_nobody_can_read_it_here() -> None:
    """Without a word about it staff would see a ticket with nothing in it."""
    raw = SEALED % (
        b"encrypted",
        b"encrypted",
        b"application/pgp-encrypted",
        b"Version: 1",
        b"application/octet-stream",
    )
    (told,) = read_sealed(raw, a_stage())
    assert "encrypted or sealed (PGP)" in told


def test_a_signed_mail_is_shown_as_signed_once_on_its_ticket() -> None:
    """Who signs, signs every mail; that the signature was not checked is said."""
    raw = SEALED % (b"signed", b"signature", b"text/plain", b"The gate is open.", b"application/pgp-signature")
    stage = a_stage()
    (told,) = read_sealed(raw, stage)
    assert "signed (PGP)" in told
    assert "not checked" in told
    ours = stage.mails(1)[0].message_id.encode()
    again = raw.replace(b"<seal@x>", b"<seal2@x>\r\nIn-Reply-To: " + ours).replace(b"is open", b"is open still")
    assert len(read_sealed(again, stage)) == 1
    assert stage.count() == 1
