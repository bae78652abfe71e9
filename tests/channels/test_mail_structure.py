"""Parts wherever their boundaries stand, header lines that lost their shape, and packed parts in the tree."""

from __future__ import annotations

import base64

import pytest

from channels.mail.parse import part_bytes
from tests.channels.mail_reading import IMAGE, TEXT, multipart, read

HEAD = "From: Ana <a@b.org>\r\nMessage-ID: <1@x>\r\nSubject: s\r\n"


def part(words: str) -> str:
    return f"Content-Type: text/plain\r\n\r\n{words}"


def with_type(value: str, body: str) -> str:
    return f"{HEAD}Content-Type: {value}\r\n\r\n{body}"


BODY = "--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--b--\r\n"
INNER = multipart("alternative", part("one"), "Content-Type: text/html\r\n\r\n<p>one</p>", boundary="bb")


@pytest.mark.parametrize(
    "raw",
    [
        with_type("multipart/mixed; boundary=b", BODY),
        with_type("multipart/mixed; boundary=b", BODY.replace("--b--\r\n", "")),
        with_type("multipart/mixed", BODY),
        with_type("multipart/mixed", "Some words before.\r\n" + BODY),
        with_type("multipart/mixed; boundary=other", BODY),
        with_type("multipart/mixed; boundary=B", BODY),
        with_type("multipart/mixed; boundary='b'", BODY),
        with_type('multipart/mixed; boundary="--b"', BODY),
        with_type("multipart/mixed boundary=b", BODY),
        with_type("multipart/mixed; boundary=b", BODY.replace("--b\r\n", "--b \t\r\n")),
        with_type("multipart/mixed; boundary=b", BODY.replace("\r\n", "\n")),
        HEAD + multipart("mixed", INNER, part("two")),
        HEAD + multipart("mixed", INNER.replace("--bb--\r\n", ""), part("two")),
        HEAD + "Content-Transfer-Encoding: base64\r\n" + multipart("mixed", part("one"), part("two")),
        HEAD
        + "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(BODY.encode()).decode(),
        HEAD + "Content-Type: multipart/mixed;\r\nboundary=b\r\nX-Mailer: y\r\n\r\n" + BODY,
    ],
)
def test_two_texts_are_found_whatever_is_wrong_with_the_boundary(raw: str) -> None:
    message = read(raw)
    assert message.text == "one\n\ntwo"
    assert message.attachments == ()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("--b--\r\n", ""),
        ("Only plain words\r\n", "Only plain words"),
        ("Only plain words\r\n--b--\r\n", "Only plain words"),
        ("--b--\r\nwords behind it\r\n", "words behind it"),
    ],
)
def test_a_multipart_without_parts_is_the_words_in_it(body: str, text: str) -> None:
    message = read(with_type("multipart/mixed; boundary=b", body))
    assert message.text == text
    assert any("no parts" in note for note in message.notes)


@pytest.mark.parametrize(
    ("header", "subject", "references"),
    [
        ("References: <a@x>\r\n<b@x>\r\nSubject: s\r\n\r\n", "s", ("<a@x>", "<b@x>")),
        ("Subject: s\r\nReferences: <a@x>\r\n<b@x>\r\n\r\n", "s", ("<a@x>", "<b@x>")),
        ("Subject: a\r\nb\r\nc\r\nTo: x@y\r\nReferences: <a@x>\r\n\r\n", "a b c", ("<a@x>",)),
        ("\ufeffSubject: s\r\nReferences: <a@x>\r\n\r\n", "s", ("<a@x>",)),
        ("\r\n\r\nSubject: s\r\nReferences: <a@x>\r\n\r\n", "s", ("<a@x>",)),
        ("Subject : s\r\nReferences\t: <a@x>\r\n\r\n", "s", ("<a@x>",)),
        (">From a@b Mon Jan  1 00:00:00 2026\r\nSubject: s\r\nReferences: <a@x>\r\n\r\n", "s", ("<a@x>",)),
    ],
)
def test_header_lines_out_of_shape_are_still_header(header: str, subject: str, references: tuple[str, ...]) -> None:
    message = read(header + "body")
    assert (message.subject, message.references, message.text) == (subject, references, "body")


def test_words_right_below_the_header_are_text() -> None:
    message = read("From: a@b.org\r\nSubject: s\r\nHello there\r\nit is: broken\r\n\r\nBye")
    assert "Hello there" in message.text + message.subject
    assert message.text.endswith("Bye")


def test_several_texts_are_all_text_in_their_order() -> None:
    message = read(multipart("mixed", part("one"), IMAGE, part("two"), "Content-Type: text/html\r\n\r\n<p>three</p>"))
    assert message.text == "one\n\ntwo\n\nthree"
    assert [file.filename for file in message.attachments] == ["logo.png"]


def test_quotes_marked_in_the_second_html_text_are_found_there() -> None:
    quote = "<p>new</p><div class=gmail_quote>On Mon Bo wrote:<blockquote>old words</blockquote></div>"
    message = read(multipart("mixed", part("first"), f"Content-Type: text/html\r\n\r\n{quote}"))
    assert "new" in message.reply_text
    assert "first" in message.reply_text
    assert "old words" in message.quoted_text


PDF = "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
PICTURE = "Content-Type: image/png; name=l.png\r\nContent-Disposition: attachment; filename=l.png\r\n"


@pytest.mark.parametrize(
    ("raw", "inline"),
    [
        (multipart("related", "Content-Type: text/html\r\n\r\n<img src=cid:logo@x>", IMAGE), True),
        (multipart("related", "Content-Type: text/html\r\n\r\n<p>x</p>", PDF + "\r\n%PDF-1.4"), False),
        (
            multipart(
                "mixed", 'Content-Type: text/html\r\n\r\n<img src="cid:l@x">', PICTURE + "Content-ID: <l@x>\r\n\r\nx"
            ),
            True,
        ),
        (multipart("mixed", "Content-Type: text/html\r\n\r\n<p>x</p>", PICTURE + "Content-ID: <l@x>\r\n\r\nx"), False),
        (multipart("mixed", TEXT, PICTURE + "\r\nx"), False),
    ],
)
def test_a_picture_that_the_html_shows_is_inline(raw: str, inline: bool) -> None:
    (file,) = read(raw).attachments
    assert file.inline is inline


PLACEHOLDERS = ["", " \r\n", "=20", "This message requires an HTML viewer.", "Your client does not support HTML mail"]


@pytest.mark.parametrize("plain", PLACEHOLDERS)
def test_a_plain_form_that_says_nothing_gives_way_to_the_html(plain: str) -> None:
    empty = f"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{plain}"
    assert (
        read(multipart("alternative", empty, "Content-Type: text/html\r\n\r\n<p>real words</p>")).text == "real words"
    )


def test_the_charset_that_html_names_itself_counts_where_mail_names_none() -> None:
    html = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=big5"></head>印表機</html>'
    assert read(b"Content-Type: text/html\r\n\r\n" + html.encode("big5")).text == "印表機"


def test_base64_with_words_below_it_keeps_both() -> None:
    coded = base64.encodebytes(b"Guten Tag, der Drucker ist kaputt.\n").decode()
    body = (
        f"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}\r\n-- \r\nlist of all users\r\n"
    )
    message = read(HEAD + body)
    assert "der Drucker ist kaputt." in message.text
    assert "list of all users" in message.text


def test_blanks_and_empty_lines_that_got_into_base64_do_not_tear_it() -> None:
    words = "Dear Hugh, the lid of the pot does not fit. It is too wide by three millimetres. Gwen"
    coded = base64.b64encode(words.encode()).decode()
    body = f"{coded[:40]}\r\n\r\n  {coded[40:60]} \r\n{coded[60:70]} {coded[70:]}\r\n"
    message = read(f"{HEAD}Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}")
    assert message.text == words


@pytest.mark.parametrize("words", ["Hello this is plain", "打印机坏了", "Plain words, with signs."])
def test_words_labelled_base64_are_words(words: str) -> None:
    raw = f"{HEAD}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{words}\r\n"
    assert read(raw).text == words


def test_a_mail_whose_lines_end_with_bare_carriage_returns_has_its_parts() -> None:
    raw = "Subject: x\r\n" + multipart("mixed", TEXT, IMAGE)
    message = read(raw.replace("\r\n", "\r"))
    (image,) = message.attachments
    assert (message.subject, message.text, image.filename) == ("x", "plain words", "logo.png")
    assert part_bytes(message.raw, image.part or 0) == b"image"


def test_parts_keep_their_numbers_whatever_is_packed_in_others() -> None:
    packed = "Content-Type: text/plain\r\n\r\nsee\r\nbegin 644 a.bin\r\n#86)C\r\n`\r\nend\r\n"
    message = read(raw := multipart("mixed", packed, PDF + "\r\n%PDF-1.4"))
    assert [(file.filename, file.part) for file in message.attachments] == [("a.pdf", 3), ("a.bin", 4)]
    assert part_bytes(raw.encode(), 3) == b"%PDF-1.4"
    assert part_bytes(raw.encode(), 4) == b"abc"
    assert part_bytes(raw.encode(), 9) == b""
