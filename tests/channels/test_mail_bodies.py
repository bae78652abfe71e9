"""Text and files: whatever the charset and transfer encoding are called, and wherever the parts stand."""

from __future__ import annotations

import base64
import quopri
from hashlib import sha256

import pytest

from channels.mail.parse import part_bytes
from tests.channels.mail_reading import FILE, HTML, IMAGE, TEXT, multipart, read, with_header


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


def test_ascii_that_is_labelled_utf_16_is_no_chinese() -> None:
    message = read(coded("The printer is broken.", "ascii", "utf-16"))
    assert message.text == "The printer is broken."
    assert "although it is labelled utf-16" in " ".join(message.notes)


def test_half_a_sign_at_the_end_of_utf_16_is_left_out() -> None:
    body = "Grüße".encode("utf-16") + b"\n"
    assert with_header("Content-Type: text/plain; charset=utf-16", body).text == "Grüße"


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
        ('filename="a\u200bb\u2028c\x85d.txt"', "a_b_c_d.txt"),
        ('filename="' + "x" * 300 + '.pdf"', "x" * 180 + ".pdf"),
        ('filename="a b\r\n c.pdf"', "a b c.pdf"),
        ("filename='a b.pdf'", "a b.pdf"),
        ('filename=".."', "part-1.pdf"),
        ('filename="unclosed.pdf', "unclosed.pdf"),
    ],
)
def test_file_names_are_read_and_made_safe(parameter: str, filename: str) -> None:
    message = with_header(f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameter}")
    assert [attachment.filename for attachment in message.attachments] == [filename]


@pytest.mark.parametrize(
    ("location", "filename"),
    [("Photo 25.jpg", "Photo 25.jpg"), ("https://shop.test/a/b.jpg", "part-1.jpg"), ("../b.jpg", "part-1.jpg")],
)
def test_a_picture_without_a_name_has_that_of_its_location(location: str, filename: str) -> None:
    message = with_header(f"Content-Type: image/jpeg\r\nContent-Location: {location}")
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


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "raw_unicode_escape", "undefined", "charmap", "punycode", "idna"]
)
def test_a_python_codec_that_is_no_charset_is_not_used(charset: str) -> None:
    """Such a codec would let a sender write lone surrogates, which no file and no chat takes, or hide who wrote."""
    head = f"From: ana@example.org\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    message = read(head.encode() + b"caf\xe9 \\ud800")
    assert message.text.endswith(" \\ud800")
    assert message.sender.email == "ana@example.org"
