"""Dovecot, where Debian's package is installed, as the mailbox of a test; needs no root and touches nothing outside."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.channels.mail_imap_server import PASSWORD, STARTED_WITHIN, ImapServer

SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {internal}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""
"""Dovecot serves nobody as uid 0: login says OK and the session then dies. So root lends the mailbox to nobody."""


def program() -> str | None:
    """Where Dovecot is, if it is there."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")


class DovecotServer(ImapServer):
    """One mailbox of a Dovecot on loopback, in a folder of its own that goes when it stops."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="dovecot-"))

    def start(self) -> None:
        """Start the server and wait until it takes a login."""
        found = program()
        assert found is not None
        self._settle_in()
        command = [found, "-F", "-c", str(self._folder / "dovecot.conf")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTED_WITHIN
        while not self._greets():
            assert self._process.poll() is None, f"Dovecot ended at once:\n{self._log()}"
            assert time.monotonic() < deadline, f"Dovecot did not come up:\n{self._log()}"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server with all its workers, and take its folder away."""
        if self._process is not None:
            # Asked politely, it ends its workers too.
            self._process.terminate()
            self._process.wait(10)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _settle_in(self) -> None:
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        mail = self._folder / "mail"
        mail.mkdir()
        if os.geteuid() == 0:
            self._folder.chmod(0o755)
            os.chown(mail, user.pw_uid, user.pw_gid)
        text = SETTINGS.format(
            folder=self._folder, port=self.port, password=PASSWORD, uid=user.pw_uid, gid=user.pw_gid,
            internal=user.pw_name, internal_group=grp.getgrgid(user.pw_gid).gr_name,
        )  # fmt: skip
        (self._folder / "dovecot.conf").write_text(text)

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                return line.recv(4) == b"* OK"
        except OSError:
            return False

    def _log(self) -> str:
        log = self._folder / "dovecot.log"
        return log.read_text(errors="replace") if log.exists() else "(it logged nothing)"


def a_mailbox() -> ImapServer:
    """An IMAP server that nobody here wrote: Dovecot where it is installed, else pymap. Started by who asked for it."""
    return DovecotServer() if program() else ImapServer()
