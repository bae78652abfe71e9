"""A line to an IMAP server on which something goes wrong at a chosen step: a proxy that a real client goes through."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

_COMMAND = re.compile(rb"^(\S+) (UID )?([A-Za-z]+)")

FAULTS = ("drop", "drop after", "half an answer", "hang", "NO", "BAD", "BYE", "garbage")
"""``drop``: before the server hears it; ``drop after``: the server did it, nobody hears of it."""


class FaultyLine:
    """Listens on ``port`` and goes wrong once, at the ``nth`` command called ``step``; then it only passes bytes on.

    ``greeting`` is a step too. ``struck`` is set once it went wrong.
    """

    def __init__(self, server_port: int, step: str, fault: str, nth: int = 1) -> None:
        self._server_port = server_port
        self._step, self._fault, self._left = step, fault, nth
        self.struck = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut every line and listen no more."""
        for one in (self._listening, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port), timeout=10)
            except OSError:
                return
            server.settimeout(None)
            self._sockets += [client, server]
            _Session(self, client, server).begin()

    def strikes(self, step: str) -> str:
        """The fault to commit at this step, or nothing."""
        with self._lock:
            if step != self._step or self._left <= 0:
                return ""
            self._left -= 1
            if self._left:
                return ""
            self.struck.set()
            return self._fault


class _Session:
    """One connection through the line; ``_fate`` is what happens to the server's next words."""

    def __init__(self, line: FaultyLine, client: socket.socket, server: socket.socket) -> None:
        self._line, self._client, self._server = line, client, server
        self._fate = ""

    def begin(self) -> None:
        self._fate = self._line.strikes("greeting")
        for pump in (self._to_server, self._to_client):
            threading.Thread(target=pump, daemon=True).start()

    def _cut(self) -> None:
        for one in (self._client, self._server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _to_server(self) -> None:
        pending = b""
        with suppress(OSError):
            while data := self._client.recv(65536):
                pending += data
                while b"\n" in pending:
                    line, _, pending = pending.partition(b"\n")
                    if not self._command(line + b"\n"):
                        return
        self._cut()

    def _command(self, line: bytes) -> bool:
        """Pass one line on, unless it is the one at which things go wrong; false when the line was cut."""
        found = _COMMAND.match(line)
        tag, name = (found[1], found[3].decode("ascii").upper()) if found else (b"*", line.strip().decode("latin-1"))
        fault = self._line.strikes(name)
        if fault == "drop":
            self._cut()
            return False
        if fault in ("NO", "BAD"):
            self._client.sendall(tag + b" " + fault.encode("ascii") + b" [UNAVAILABLE] not now\r\n")
            return True
        if fault == "BYE":
            self._client.sendall(b"* BYE the server goes down\r\n")
            self._cut()
            return False
        self._fate = fault
        self._server.sendall(line)
        return True

    def _to_client(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(65536):
                fate, self._fate = self._fate, "" if self._fate != "hang" else "hang"
                if fate == "hang":
                    continue
                if fate in ("drop after", "drop", "NO", "BAD", "BYE"):
                    break
                if fate == "half an answer":
                    self._client.sendall(data[: len(data) // 2])
                    break
                if fate == "garbage":
                    self._client.sendall(b"\x00\xff what? {12}\r\n")
                self._client.sendall(data)
        self._cut()
