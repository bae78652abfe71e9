"""How an access token is shown to a mail server: OAUTHBEARER (RFC 7628) where it is offered, else XOAUTH2."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import aiosmtplib
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

OAUTHBEARER, XOAUTH2 = "OAUTHBEARER", "XOAUTH2"
_GOES_ON = 334
_ACCEPTED = 235


def first_words(mechanism: str, username: str, token: str) -> bytes:
    """The client's one message (RFC 7628 §3.1; for XOAUTH2 as its providers document it)."""
    if mechanism == XOAUTH2:
        return f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
    # RFC 5801 §4: these two characters separate the fields.
    name = username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01auth=Bearer {token}\x01\x01".encode()


def after_refusal(mechanism: str) -> bytes:
    """What a server hears that has told why it refuses, so that it ends the exchange (RFC 7628 §3.2.3)."""
    return b"" if mechanism == XOAUTH2 else b"\x01"


def imap_log_in(client: IMAPClient, username: str, token: str) -> None:
    """Log in over IMAP. Raises LoginError with what the server said."""
    offered = {bytes(name).upper() for name in client.capabilities()}
    mechanism = next((name for name in (OAUTHBEARER, XOAUTH2) if f"AUTH={name}".encode() in offered), "")
    if not mechanism:
        raise LoginError("the server offers no login by OAuth (neither OAUTHBEARER nor XOAUTH2)")
    said: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        if not challenge and not said:
            return first_words(mechanism, username, token)
        said.append(challenge)
        return after_refusal(mechanism)

    try:
        client.sasl_login(mechanism, answer)
    except LoginError as problem:
        raise LoginError(" ".join(filter(None, (f"{mechanism}: {problem}", *map(_status, said))))) from problem


async def smtp_log_in(smtp: aiosmtplib.SMTP, username: str, token: str) -> None:
    """Log in over SMTP (RFC 4954). Raises SMTPAuthenticationError, or SMTPException where OAuth is not offered."""
    offered = {name.upper() for name in smtp.server_auth_methods}
    mechanism = next((name for name in (OAUTHBEARER, XOAUTH2) if name in offered), "")
    if not mechanism:
        raise aiosmtplib.SMTPException("the relay offers no login by OAuth (neither OAUTHBEARER nor XOAUTH2)")
    words = b64encode(first_words(mechanism, username, token))
    reply = await smtp.execute_command(b"AUTH", mechanism.encode("ascii"), words)
    told = ""
    if reply.code == _GOES_ON:
        told = _status(_decoded(reply.message))
        reply = await smtp.execute_command(b64encode(after_refusal(mechanism)))
    if reply.code != _ACCEPTED:
        raise aiosmtplib.SMTPAuthenticationError(reply.code, " ".join(filter(None, (mechanism, reply.message, told))))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text)
    except ValueError:
        return b""


def _status(challenge: bytes) -> str:
    """Why a token was refused, as far as the server's JSON says."""
    try:
        told = json.loads(challenge)
        return f"(status {told['status']})"
    except (ValueError, KeyError, TypeError):
        return ""
