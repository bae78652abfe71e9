"""When certificates expire is read from their own bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest

from channels.mail.certificates import expires_at, file_expires_at, shown_on
from channels.mail.imap_account import ImapAccount, ImapSettings
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.channels.mail_sink import relay
from tests.channels.mail_tls import Certificate, make_certificate
from tests.channels.test_mail_smtp_out import owed, sender


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_the_end_of_validity_is_what_openssl_says(certificate: Certificate) -> None:
    """The test's certificate is good for two days from now."""
    until = file_expires_at(certificate.path)
    assert abs(until - datetime.now(UTC) - timedelta(days=2)) < timedelta(minutes=5)
    chain = certificate.path.with_name("chain.pem")
    chain.write_text("a comment\n" + certificate.path.read_text() * 2)
    assert file_expires_at(chain) == until, "the first of a chain is the server's own"


def test_it_is_known_of_a_server_that_nobody_verifies(certificate: Certificate) -> None:
    """As of a mailbox in the house with a certificate of its own making; a line in clear text has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    ours, theirs = socket.socketpair()
    serving = threading.Thread(
        target=lambda: certificate.server().wrap_socket(theirs, server_side=True).close(), daemon=True
    )
    serving.start()
    with context.wrap_socket(ours) as line:
        assert shown_on(line) == file_expires_at(certificate.path)
    serving.join()
    with socket.socket() as clear:
        assert shown_on(clear) is None


def test_dates_after_2049_have_four_digits() -> None:
    """RFC 5280: UTCTime up to 2049, GeneralizedTime after."""
    assert expires_at(made(b"\x17\x0d491231235959Z")) == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert expires_at(made(b"\x18\x0f20510101000000Z")) == datetime(2051, 1, 1, tzinfo=UTC)


def made(until: bytes) -> bytes:
    """The frame of a certificate with nothing in it but a validity."""

    def sequence(content: bytes) -> bytes:
        return b"\x30" + bytes([len(content)]) + content

    validity = sequence(b"\x17\x0d260101000000Z" + until)
    return sequence(sequence(b"\xa0\x03\x02\x01\x02" + b"\x02\x01\x07" + sequence(b"") * 2 + validity))


@pytest.mark.parametrize("junk", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80", b"x" * 50, made(b"\x05\x00")])
def test_what_is_no_certificate_is_told_as_such(junk: bytes) -> None:
    """Never anything but a ValueError, whatever the bytes are."""
    with pytest.raises(ValueError, match=r"no certificate|does not match"):
        expires_at(junk)


async def test_the_relay_certificate_is_read_when_a_mail_leaves(certificate: Certificate) -> None:
    """From the first byte, and after STARTTLS."""
    for tls in (True, "starttls"):
        context = certificate.server()
        async with (
            relay(tls=context, starttls=tls == "starttls") as sink,
            sender(sink, tls=tls, tls_context=certificate.client()) as out,
        ):
            assert out.certificate_ends_at is None
            await out.send(owed())
            assert out.certificate_ends_at == file_expires_at(certificate.path)


def test_the_mailbox_certificate_is_read_when_it_is_connected(certificate: Certificate) -> None:
    """Of a real server behind TLS."""
    server = ImapServer()
    server.start()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listening.accept()
        inside = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        with certificate.server().wrap_socket(client, server_side=True) as outside, inside:
            outside.settimeout(0.05)
            inside.settimeout(0.05)
            while passed(outside, inside) and passed(inside, outside):
                continue

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    try:
        account = ImapAccount(
            ImapSettings(
                host="127.0.0.1", port=listening.getsockname()[1], username=USER, password=PASSWORD,
                tls_context=certificate.client(),
            )
        )  # fmt: skip
        assert account.certificate_ends_at == file_expires_at(certificate.path)
        account.close()
        serving.join(20)
        assert not serving.is_alive()
    finally:
        listening.close()
        server.stop()


def passed(source: socket.socket, target: socket.socket) -> bool:
    """Whether the line still stands, after passing on what there is."""
    try:
        data = source.recv(65536)
    except TimeoutError:
        return True
    except OSError:
        return False
    target.sendall(data)
    return bool(data)
