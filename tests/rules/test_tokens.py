"""Signatures that only this desk can make (complaints 34, 35)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.tokens import (
    is_our_message_id,
    link_token,
    message_id,
    read_link,
    read_reply_address,
    read_return_address,
    reply_address,
    return_address,
    signed_for,
)

SECRET, OTHER = b"a" * 32, b"b" * 32
ALICE, BOB = "alice@customer.test", "bob@customer.test"


def test_a_reply_address_names_its_ticket_and_its_owner() -> None:
    """Read back in any case that a mail system makes of it."""
    address = reply_address(SECRET, "support@example.com", 17, "Alice@Customer.test")
    assert re.fullmatch(r"support\+17\.[a-z2-7]{16}@example\.com", address)
    number, given_signature = read_reply_address(address.upper()) or (0, "")
    assert number == 17
    assert signed_for(SECRET, 17, given_signature, (BOB, ALICE)) == ALICE


@pytest.mark.parametrize(
    ("secret", "number", "people"),
    [(OTHER, 17, (ALICE,)), (SECRET, 18, (ALICE,)), (SECRET, 17, (BOB,)), (SECRET, 17, ())],
)
def test_a_reply_address_is_nobodys_else(secret: bytes, number: int, people: tuple[str, ...]) -> None:
    """Another secret, another ticket, another recipient, nobody: not signed."""
    _, signature = read_reply_address(reply_address(SECRET, "support@example.com", 17, ALICE)) or (0, "")
    assert signed_for(secret, number, signature, people) is None


@given(st.integers(0, 15), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_signature_with_one_other_letter_is_forged(place: int, letter: str) -> None:
    """No letter may be guessed."""
    _, good = read_reply_address(reply_address(SECRET, "support@example.com", 17, ALICE)) or (0, "")
    forged = good[:place] + letter + good[place + 1 :]
    assert (signed_for(SECRET, 17, forged, (ALICE,)) == ALICE) is (forged == good)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "support@example.com",
        "support+17@example.com",
        "support+17.short@example.com",
        "+17.abcdefghijklmnop@x.y",
        "support+0.abcdefghijklmnop@x.y",
        "support+017.abcdefghijklmnop@x.y",
        "support+17.abcdefghijklmno1@x.y",
        "support+99999999999.abcdefghijklmnop@x.y",
        "support+17.abcdefghijklmnop@x.y@z",
        "a\nsupport+17.abcdefghijklmnop@x",
    ],
)
def test_other_addresses_are_not_read_as_ours(address: str) -> None:
    """Nothing is guessed from what only looks alike."""
    if address.startswith("a\n"):
        found = read_reply_address(address)
        assert found is None or signed_for(SECRET, *found, (ALICE,)) is None
    else:
        assert read_reply_address(address) is None


@given(st.text(max_size=80))
def test_any_address_and_any_link_can_be_looked_at(text: str) -> None:
    """Hostile text is refused, never an error."""
    read_reply_address(text)
    assert read_link(SECRET, text) is None


def test_a_message_id_is_the_same_whenever_it_is_made() -> None:
    """A retry is the same mail; another effect, secret or domain is another (complaints 21, 37)."""
    made = message_id(SECRET, "17:reply:1", "example.com")
    assert made == message_id(SECRET, "17:reply:1", "example.com")
    assert re.fullmatch(r"<17\.reply\.1\.[a-z2-7]{16}@example\.com>", made)
    others = {
        message_id(SECRET, "17:reply:2", "example.com"), message_id(OTHER, "17:reply:1", "example.com"),
        message_id(SECRET, "17:reply:1", "example.org"),
    }  # fmt: skip
    assert made not in others


def test_a_return_address_names_the_mail_that_bounced() -> None:
    """A bounce goes to the envelope sender, and that tells which mail of ours it was (complaint 29)."""
    for effect in ("17:acknowledgement", "17:reply:2", "4711:waiting_reminder:12"):
        made = return_address(SECRET, "Support@example.com", effect)
        assert made.startswith("Support+b.")
        assert len(made.partition("@")[0]) <= 64
        assert read_return_address(SECRET, made) == effect
        assert read_return_address(SECRET, made.upper()) == effect, "mail systems may change the case"
        assert read_return_address(OTHER, made) is None
        assert read_return_address(SECRET, made.replace(".17", ".18").replace(".4711", ".1")) is None


def test_an_effect_that_fits_no_address_bounces_to_the_mailbox() -> None:
    """64 octets are all that a local part has (RFC 5321 §4.5.3.1.1)."""
    for effect in (f"17:{'long' * 20}", "17:escalation:resolution:1:0.1.0:ana"):
        assert return_address(SECRET, "support@example.com", effect) == "support@example.com"
    assert read_return_address(SECRET, "support@example.com") is None


def test_a_link_names_ticket_purpose_and_round() -> None:
    """And nothing of it can be changed."""
    token = link_token(SECRET, 17, "confirm", 2)
    assert read_link(SECRET, token) == (17, "confirm", 2)
    assert read_link(OTHER, token) is None
    signature = token.rpartition("-")[2]
    for forged in (f"18-confirm-2-{signature}", f"17-survey-2-{signature}", f"17-confirm-1-{signature}", "", "17"):
        assert read_link(SECRET, forged) is None


def test_a_message_id_of_ours_is_known_by_its_signature() -> None:
    """Anybody can write a Message-ID that looks like ours (complaint 30)."""
    ours = message_id(SECRET, "17:escalation:first_response:2:0.1.0:ana", "example.com")
    assert is_our_message_id(SECRET, ours, 17)
    assert not is_our_message_id(SECRET, ours, 1)
    assert not is_our_message_id(OTHER, ours, 17)
    assert not is_our_message_id(SECRET, ours.replace("escalation", "reply"), 17)
    assert not is_our_message_id(SECRET, "<17.reply.1.aaaaaaaaaaaaaaaa@example.com>", 17)
    assert not is_our_message_id(SECRET, "<17.x", 17)
