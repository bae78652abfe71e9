"""A mail passed on to us: who wrote it first, in every client's way of saying so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.forwards import read_forward, sender_of
from rules.model import Address, Forwarded
from tests.channels.mail_reading import read
from tests.channels.reply_attributions import ATTRIBUTIONS
from tests.channels.reply_cases import BLOCKS, FORWARDS

HEADER = "From: Bo Chen <Bo@example.org>\nDate: Mon, 2 Mar 2026 10:00\nSubject: Printer\nTo: Ana <ana@example.net>"
# Blocks that name the sender; the others are titles alone or say it in an attribution line.
NAMED = [block for block in BLOCKS if "upport" in block and "\n" in block and "wrote" not in block]


@pytest.mark.parametrize("title", FORWARDS)
def test_the_first_writer_is_found_below_the_title(title: str) -> None:
    found = read_forward(f"Please help her.\n\n{title}\n{HEADER}\n\n\nHelp me!\nBo", "Printer")
    assert found == Forwarded(
        sender=Address(email="bo@example.org", name="Bo Chen"),
        subject="Printer",
        text="Help me!\nBo",
        comment="Please help her.",
    )


@pytest.mark.parametrize(
    "subject", ["FW: x", "Fwd: x", "WG: x", "TR : x", "RV: x", "I: x", "转发: x", "轉寄：x", "Fwd[2]: x"]
)
@pytest.mark.parametrize("block", NAMED)
def test_a_header_block_under_such_a_subject_is_a_forward(block: str, subject: str) -> None:
    found = read_forward(f"See below.\n\n{block}\n\nHelp me!", subject)
    assert found is not None
    assert found.sender.email in ("s@example.com", "")
    assert "upport" in found.sender.name or found.sender.email
    assert (found.text, found.comment) == ("Help me!", "See below.")


@pytest.mark.parametrize("subject", ["Re: x", "x", "", "AW: Fwd: x", "回复: 转发: x", "TRouble: x", "information: x"])
@pytest.mark.parametrize("block", NAMED[:6])
def test_a_header_block_under_another_subject_is_a_reply(block: str, subject: str) -> None:
    assert read_forward(f"See below.\n\n{block}\n\nHelp me!", subject) is None


def test_a_forward_without_a_comment_has_none() -> None:
    found = read_forward(f"---------- Forwarded message ---------\n{HEADER}\n\nHelp!", "")
    assert found is not None
    assert (found.comment, found.text) == ("", "Help!")


def test_a_forwarded_mail_with_marks_before_all_its_lines_loses_them() -> None:
    quoted = "\n".join(f"> {line}" for line in f"{HEADER}\n\nHelp!".split("\n"))
    found = read_forward(f"Begin forwarded message:\n\n{quoted}", "Fwd: x")
    assert found is not None
    assert (found.sender.email, found.text) == ("bo@example.org", "Help!")


def test_a_forward_that_is_only_quoted_is_a_reply() -> None:
    text = f"Thanks.\n\n{ATTRIBUTIONS[0]}\n> ---------- Forwarded message ---------\n> From: Bo <bo@example.org>"
    assert read_forward(text, "Re: x") is None


def test_in_finnish_such_a_subject_is_a_reply() -> None:
    text = "Kiitos.\n\nLähettäjä: Bo <bo@example.org>\nLähetetty: 2.3.2026\nVastaanottaja: Ana\nAihe: x\n\nHei"
    assert read_forward(text, "VS: x") is None
    assert read_forward(text, "VL: x") is not None


@pytest.mark.parametrize(
    ("value", "email", "name"),
    [
        ("Ana Lopez <Ana@Example.net>", "ana@example.net", "Ana Lopez"),
        ('"Lopez, Ana" <ana@example.net>', "ana@example.net", "Lopez, Ana"),
        ("Ana [mailto:ana@example.net]", "ana@example.net", "Ana"),
        ("Ana <ana@example.net<mailto:ana@example.net>>", "ana@example.net", "Ana"),
        ("ana@example.net", "ana@example.net", ""),
        ("Ana Lopez", "", "Ana Lopez"),
        ("", "", ""),
    ],
)
def test_the_sender_is_read_as_clients_write_it(value: str, email: str, name: str) -> None:
    assert sender_of(value) == Address(email=email, name=name)


def test_a_forward_stays_whole_in_the_reply() -> None:
    body = f"See below.\r\n\r\n{HEADER}\r\n\r\nHelp!".replace("\r\n", "\n")
    message = read(f"From: ana@example.net\nSubject: FW: Printer\n\n{body}".encode())
    assert message.forwarded is not None
    assert message.forwarded.sender.email == "bo@example.org"
    assert (message.reply_text, message.quoted_text) == (body, "")


@given(text=st.text(max_size=300), subject=st.sampled_from(["", "FW: x", "Re: x"]))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_forward_or_none(text: str, subject: str) -> None:
    found = read_forward(text, subject)
    assert found is None or found.sender.email or found.sender.name


@pytest.mark.parametrize("piece", ["-- a\n", "From: a\n", "a:\n", "---\n", "Forwarded message\n"])
def test_hostile_forwards_cost_time_in_proportion_to_their_size(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.perf_counter()
        read_forward(text, "FW: x")
        return time.perf_counter() - began

    small = max(min(seconds(100_000) for _ in range(2)), 0.02)
    assert seconds(1_000_000) <= small * 30
