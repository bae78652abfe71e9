"""An IMAP server that nobody here wrote (pymap, which needs no root), as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imapclient import IMAPClient, SocketTimeout

USER, PASSWORD = "desk", "secret"
STARTED_WITHIN = 20.0


class ImapServer:
    """One mailbox on loopback. ``restart`` forgets all messages and gives the folders new UIDVALIDITYs."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        program = str(Path(sys.executable).with_name("pymap"))
        command = [program, "--host", "127.0.0.1", "--port", str(self.port), "--no-tls", "dict"]
        command += ["--demo-user", USER, "--demo-password", PASSWORD]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "the IMAP server ended at once"
                assert time.monotonic() < deadline, "the IMAP server did not come up"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the process this object started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Another server under the same port, as after a lost disk."""
        self.stop()
        self.start()

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """Another program that uses the same mailbox."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=SocketTimeout(10, 10))
        try:
            client.login(USER, PASSWORD)
            client.select_folder("INBOX")
            yield client
        finally:
            client.logout()

    def deliver(self, *mails: bytes) -> None:
        """New mail arrives."""
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", mail)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
