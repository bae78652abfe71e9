"""Servers that speak OAuth2 on loopback: a token endpoint, a mailbox and a relay that take access tokens alone."""

# ruff: noqa: N802 - aiosmtpd calls handlers by these names

from __future__ import annotations

import asyncio
import socket
import threading
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult

from channels.mail.oauth import OAuthAccount
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.channels.mail_sink import Sink


@dataclass
class Provider:
    """Who gives tokens. ``good`` are the access tokens that servers take, ``refresh`` the refresh token that works.

    ``fault`` is what it answers instead, ``faults`` times (-1: always): a status, ``slow``, ``html`` or ``nothing``.
    """

    port: int = 0
    refresh: str = "first"
    good: set[str] = field(default_factory=set)
    rotates: bool = False
    life: object = 3600
    refresh_life: object = None
    fault: str = ""
    faults: int = -1
    error: str = ""
    interval: int = 5
    asked: list[dict[str, str]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    made: int = 0

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.fault and self.faults:
            self.faults -= 1
            return await self._faulty()
        if self.pending:
            return self._refusal(self.pending.pop(0))
        grant = form["grant_type"]
        if self.error:
            return self._refusal(self.error)
        if grant == "refresh_token" and form["refresh_token"] != self.refresh:
            return self._refusal("invalid_grant")
        return web.json_response(self._answer(grant))

    def _answer(self, grant: str) -> dict[str, object]:
        self.made += 1
        access = f"access-{self.made}"
        self.good.add(access)
        answer: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        if self.rotates or grant != "refresh_token":
            self.refresh = f"refresh-{self.made}"
            answer["refresh_token"] = self.refresh
        if self.refresh_life is not None:
            answer["refresh_token_expires_in"] = self.refresh_life
        return answer

    def _refusal(self, error: str) -> web.Response:
        told = {"error": error, "error_description": f"AADSTS0: because of\r\n {error}"}
        return web.json_response(told, status=401 if error == "invalid_client" else 400)

    async def _faulty(self) -> web.StreamResponse:
        if self.fault == "slow":
            await asyncio.sleep(30)
        if self.fault == "html":
            return web.Response(text="<html>please sign in</html>")
        if self.fault == "nothing":
            return web.json_response({"token_type": "Bearer"})
        return web.Response(status=int(self.fault), text="<html>later</html>")

    async def device(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        if self.error:
            return self._refusal(self.error)
        return web.json_response(
            {
                "device_code": "device-1", "user_code": "ABCD-EFGH", "verification_uri": "https://provider.test/device",
                "expires_in": 900, "interval": self.interval,
            }
        )  # fmt: skip

    def url(self, what: str = "token") -> str:
        return f"http://127.0.0.1:{self.port}/{what}"

    def account(self, folder: Path, **changes: Any) -> OAuthAccount:
        """Our account with this provider, with the refresh token that works."""
        values: dict[str, Any] = {
            "mailbox": "support", "client_id": "desk", "client_secret": "hush", "token_url": self.url(),
            "kept": folder / "oauth" / "support.json", "refresh_token": "first", "scope": "mail", "timeout": 5.0,
            "device_url": self.url("device"), "consent_url": "https://provider.test/consent",
        }  # fmt: skip
        return OAuthAccount(**{**values, **changes})


@asynccontextmanager
async def provider(**changes: Any) -> AsyncIterator[Provider]:
    """A running token endpoint."""
    made = Provider(**changes)
    app = web.Application()
    app.add_routes([web.post("/token", made.token), web.post("/device", made.device)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()


class ImapFront:
    """A mailbox that takes access tokens alone: it logs clients in by OAuth and passes all else on to a real server."""

    def __init__(self, server: ImapServer, tokens: Provider, *mechanisms: str) -> None:
        self._server, self._tokens, self._mechanisms = server, tokens, mechanisms
        self.logins: list[tuple[str, str]] = []
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_all(self) -> None:
        """Cut every line, as a server does that is restarted."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.drop_all()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.sendall(b"* OK ready\r\n")
            lines = client.makefile("rb")
            while line := lines.readline():
                tag, _, command = line.decode().strip().partition(" ")
                if command.upper() == "CAPABILITY":
                    offered = " ".join(f"AUTH={name}" for name in self._mechanisms)
                    client.sendall(f"* CAPABILITY IMAP4rev1 LOGINDISABLED {offered}\r\n{tag} OK done\r\n".encode())
                elif command.upper().startswith("AUTHENTICATE "):
                    if self._authenticated(client, lines, tag, command.split()[1].upper()):
                        self._pass_on(client, tag)
                        return
                else:
                    client.sendall(f"{tag} NO not before you have logged in\r\n".encode())

    def _authenticated(self, client: socket.socket, lines: Any, tag: str, mechanism: str) -> bool:
        client.sendall(b"+ \r\n")
        user, token = shown(mechanism, b64decode(lines.readline()))
        self.logins.append((mechanism, token))
        if (user, mechanism in self._mechanisms, token in self._tokens.good) == (USER, True, True):
            return True
        client.sendall(b"+ " + b64encode(b'{"status":"401","schemes":"bearer"}') + b"\r\n")
        answer = b64decode(lines.readline())
        assert answer == (b"\x01" if mechanism == "OAUTHBEARER" else b""), answer
        client.sendall(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials\r\n".encode())
        return False

    def _pass_on(self, client: socket.socket, tag: str) -> None:
        server = socket.create_connection(("127.0.0.1", self._server.port), timeout=10)
        server.settimeout(None)
        self._sockets.append(server)
        answers = server.makefile("rb", buffering=0)
        answers.readline()
        server.sendall(f"front LOGIN {USER} {PASSWORD}\r\n".encode())
        while not answers.readline().startswith(b"front "):
            continue
        client.sendall(f"{tag} OK logged in\r\n".encode())
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def shown(mechanism: str, words: bytes) -> tuple[str, str]:
    """User and token as a client showed them; read as the two specifications say, without our code."""
    fields = words.decode().split("\x01")
    assert fields[-2:] == ["", ""], words
    if mechanism == "OAUTHBEARER":
        header, _, _ = fields[0].rpartition(",")
        assert header.startswith("n,a="), words
        user = header.removeprefix("n,a=").replace("=2C", ",").replace("=3D", "=")
    else:
        assert fields[0].startswith("user="), words
        user = fields[0].removeprefix("user=")
    (auth,) = [one for one in fields if one.startswith("auth=Bearer ")]
    return user, auth.removeprefix("auth=Bearer ")


@dataclass
class BearerSink(Sink):
    """A relay that takes access tokens."""

    tokens: Provider = field(default_factory=Provider)
    shown: list[tuple[str, str]] = field(default_factory=list)

    async def _bearer(self, server: SMTP, args: list[str]) -> AuthResult:
        user, token = shown(args[0], b64decode(args[1]))
        self.shown.append((args[0], token))
        if token in self.tokens.good and user == "support@example.com":
            return AuthResult(success=True, auth_data=user)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)


class XOAuth2Sink(BearerSink):
    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        return await self._bearer(server, args)


class OAuthBearerSink(BearerSink):
    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:
        return await self._bearer(server, args)


@asynccontextmanager
async def bearer_relay(sink: BearerSink) -> AsyncIterator[BearerSink]:
    """A running relay in clear text."""
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        sink.connections += 1
        made = SMTP(
            sink, hostname="relay.test", auth_require_tls=False, loop=loop,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
        )  # fmt: skip
        sink.sessions.append(made)
        return made

    server = await loop.create_server(session, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        tasks = [made._handler_coroutine for made in sink.sessions if made._handler_coroutine is not None]
        sink.drop_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
