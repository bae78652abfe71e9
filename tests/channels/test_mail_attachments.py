"""Files are what their bytes say, programs are held, and no name leaves the folder it is put in."""

from __future__ import annotations

import base64

import pytest

from tests.channels.mail_reading import TEXT, multipart, read

PNG, JPEG, ZIP = b"\x89PNG\r\n\x1a\n0", b"\xff\xd8\xff\xe0", b"PK\x03\x04\x14\x00"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MZ = b"MZ\x90\x00\x03" + b"\x00" * 80


def file_in(name: str, content: bytes = b"x", kind: str = "application/octet-stream") -> tuple[str, str, str, str]:
    coded = base64.b64encode(content).decode()
    part = (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{coded}"
    )
    message = read(multipart("mixed", TEXT, part))
    (file,) = message.attachments
    return file.filename, file.content_type, file.held, " ".join(message.notes)


@pytest.mark.parametrize(
    ("name", "content", "declared", "shown"),
    [
        ("a.pdf", b"%PDF-1.7", "application/octet-stream", "application/pdf"),
        ("a.png", PNG, "application/octet-stream", "image/png"),
        ("a.docx", ZIP, "application/octet-stream", WORD),
        ("a.zip", ZIP, "application/octet-stream", "application/zip"),
        ("a.data", ZIP, "application/octet-stream", "application/octet-stream"),
        ("a.txt", b"words", "application/octet-stream", "application/octet-stream"),
        ("a.docx", ZIP, "application/msword", "application/msword"),
        ("a.pdf", PNG, "application/pdf", "image/png"),
        ("a.png", JPEG, "image/png", "image/jpeg"),
        ("a.png", b"unknown", "image/png", "image/png"),
        ("a.png", MZ, "image/png", "application/x-msdownload"),
        ("mz.txt", b"MZ " + b"begins this long text. " * 5, "text/plain", "text/plain"),
    ],
)  # fmt: skip
def test_the_type_shown_is_the_declared_one_unless_the_bytes_prove_it_wrong(
    name: str, content: bytes, declared: str, shown: str
) -> None:
    _, kind, _, notes = file_in(name, content, declared)
    assert kind == shown
    lied = declared not in (shown, "application/octet-stream")
    assert ("is labelled" in notes) is lied


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe",
        "SETUP.EXE",
        "invoice.pdf.exe",
        "invoice.pdf                    .exe",
        "invoice.exe.",
        "invoice.exe . .",
        "photo.jpg.scr",
        "run.js",
        "run.vbs",
        "open.lnk",
        "do.bat",
        "do.cmd",
        "do.ps1",
        "page.hta",
        "app.msi",
        "app.jar",
        "disk.iso",
        "disk.img",
        "letter.docm",
        "table.xlsm",
        "go.sh",
        "invoice\u202efdp.exe",
    ],
)
def test_a_file_that_runs_when_opened_is_held_with_a_note(name: str) -> None:
    filename, _, held, notes = file_in(name)
    assert held
    assert f"{filename} is held: {held}" in notes


@pytest.mark.parametrize(
    "content", [MZ, b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe\x07", b"#!/bin/sh\nrm", b"L\x00\x00\x00\x01\x14\x02\x00"]
)
def test_a_program_under_an_innocent_name_is_held(content: bytes) -> None:
    assert "by its content" in file_in("holiday.jpg", content, "image/jpeg")[2]


@pytest.mark.parametrize(
    "name",
    ["a.pdf", "report.2026.docx", "exe", "notes about setup.exe.txt", "archive.zip", "a.html", "price.list.xlsx"],
)
def test_an_ordinary_file_is_not_held(name: str) -> None:
    _, _, held, notes = file_in(name)
    assert (held, "held" in notes) == ("", False)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("..\\\\..\\\\evil.txt", "evil.txt"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b.txt", "a_b.txt"),
        ("invoice\u202etxt.pdf", "invoice_txt.pdf"),
        ('a:b*c?.txt', "a_b_c_.txt"),
        ("...", "part-3.bin"),
        ("長" * 300 + ".pdf", "長" * 60 + ".pdf"),
    ],
)  # fmt: skip
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert file_in(name)[0] == safe


def test_an_archive_is_never_opened() -> None:
    """A zip bomb is a small file with a name, whatever it would become."""
    bomb = ZIP + b"\x00" * 30 + b"PK\x05\x06" + b"\xff" * 18
    name, kind, held, _ = file_in("bomb.zip", bomb, "application/zip")
    assert (name, kind, held) == ("bomb.zip", "application/zip", "")
