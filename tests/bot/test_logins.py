"""Logins by OAuth2 in the configuration, on the command line, and in `deskbell check`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.logins import accounts_of, logins_of
from bot.mail_checks import Finding, mailbox, own_certificates
from bot.settings import MailSettings
from channels.mail.oauth import Kept, keep, read_kept
from tests.bot.config_files import loaded, problems
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.channels.mail_tls import make_certificate
from tests.channels.oauth_servers import ImapFront, Provider, XOAuth2Sink, bearer_relay, provider

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

OAUTH = "oauth: {provider: microsoft, client_id: abc, tenant: example.com}"
IN = f"imap: {{host: i.test, username: u, {OAUTH}}}"
OUT = f"smtp_out: {{host: o.test, username: u, {OAUTH}}}"


def config(*ways: str) -> str:
    return f"desk: {{name: A}}\nchannels: {{mail: [{{address: a@x.test, {', '.join(ways)}}}]}}\n"


def box_of(folder: Path, *ways: str, password: str = "") -> MailSettings:
    return loaded(folder, base=config(*ways), environ={"PW": password}).settings.mail[0]


def test_the_addresses_of_google_and_microsoft_are_known(tmp_path: Path) -> None:
    """Only who we are needs to be told."""
    account = accounts_of(box_of(tmp_path, IN), tmp_path)["imap"]
    assert account.token_url == "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
    assert account.device_url.endswith("/devicecode")
    assert "offline_access" in account.scope
    google = IN.replace("microsoft", "google")
    account = accounts_of(box_of(tmp_path, google), tmp_path)["imap"]
    assert (account.token_url, account.scope) == ("https://oauth2.googleapis.com/token", "https://mail.google.com/")
    assert account.device_url == "", "device codes do not get the mail scope there"


def test_mailbox_and_relay_share_one_token_where_the_same_is_said_of_them(tmp_path: Path) -> None:
    """One refresh token, kept once; two that differ are kept apart."""
    same = logins_of((box_of(tmp_path, IN, OUT),), tmp_path, lambda: NOW)
    assert same.imap["support"] is same.smtp_out["support"]
    assert list(same.every) == ["support"]
    differ = logins_of((box_of(tmp_path, IN, OUT.replace("abc", "def")),), tmp_path, lambda: NOW)
    assert sorted(differ.every) == ["support", "support.smtp_out"]
    kept = {
        account.kept.name for account in accounts_of(box_of(tmp_path, IN, OUT.replace("abc", "d")), tmp_path).values()
    }
    assert kept == {"support.json", "support.smtp_out.json"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (IN.replace("username: u, ", "username: u, password: {env: PW}, "), "needs either a password or oauth"),
        ("imap: {host: i.test, username: u}", "needs either a password or oauth"),
        (IN.replace("microsoft", "custom"), "a custom provider needs a token_url"),
        (OUT.replace("username: u, ", ""), "username and oauth"),
        (IN.replace("tenant: example.com", 'token_url: "http://x.test/t"'), "begins with https://"),
        (IN.replace("tenant: example.com", 'tenant: "a/b"'), "is not a tenant"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, given: str, told: str) -> None:
    """Secrets go to https alone, and a line has one way to log in."""
    assert any(told in problem for problem in problems(tmp_path, base=config(given)))


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.start()
    yield made
    made.stop()


def of_custom(folder: Path, made: Provider, imap_port: int, relay_port: int) -> MailSettings:
    """Mailbox and relay of one provider on loopback."""
    oauth = (
        f'oauth: {{provider: custom, client_id: desk, token_url: "{made.url()}", device_url: "{made.url("device")}"}}'
    )
    inward = f"imap: {{host: 127.0.0.1, port: {imap_port}, tls: false, username: {USER}, {oauth}}}"
    outward = f"smtp_out: {{host: 127.0.0.1, port: {relay_port}, tls: false, username: support@example.com, {oauth}}}"
    return box_of(folder, inward, outward)


async def checked(box: MailSettings, folder: Path) -> dict[str, Finding]:
    def look() -> dict[str, Finding]:
        return {one.what: one for one in mailbox(box, logins_of((box,), folder, lambda: NOW), NOW)}

    return await asyncio.get_running_loop().run_in_executor(None, look)


async def test_signing_in_on_the_command_line_then_everything_checks_out(server: ImapServer, tmp_path: Path) -> None:
    """Before: what to run. After: what the mailbox can do, and the relay's limit."""
    async with provider(interval=1) as made, bearer_relay(XOAuth2Sink(tokens=made)) as sink:
        front = ImapFront(server, made, "OAUTHBEARER")
        box = of_custom(tmp_path, made, front.port, sink.port)
        before = await checked(box, tmp_path / "data")
        assert "run `deskbell oauth login support`" in before["support.oauth"].told
        assert not any(one.good for one in before.values())
        result = await run("oauth", "login", "support", "--json", "--config", str(tmp_path / "config.yaml"))
        assert result.exit_code == 0, result.output
        invitation, kept = map(json.loads, result.stdout.splitlines())
        assert invitation == {"url": "https://provider.test/device", "code": "ABCD-EFGH"}
        assert kept["kept"] == str(tmp_path / "data" / "oauth" / "support.json")
        after = await checked(box, tmp_path / "data")
        front.close()
    assert {one.what: one.told for one in after.values() if not one.good} == {}
    assert "0 mails in INBOX, login by an access token" in after["support.imap"].told
    assert "IDLE" in after["support.imap"].told
    assert "takes mails up to 32.0 MB" in after["support.smtp_out"].told


async def test_a_relay_that_refuses_the_token_is_told_in_its_words(tmp_path: Path) -> None:
    """SMTP is switched off for the account, say."""
    async with provider() as made, bearer_relay(XOAuth2Sink(tokens=Provider())) as sink:
        box = of_custom(tmp_path, made, 1, sink.port)
        account = accounts_of(box, tmp_path)["smtp_out"]
        keep(account, Kept("first", read_kept(account).origin))
        found = await checked(box, tmp_path)
    assert found["support.oauth"].good
    assert not found["support.smtp_out"].good
    assert "535" in found["support.smtp_out"].told


async def run(*words: str, **more: Any) -> Result:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, lambda: CliRunner().invoke(main, list(words), **more))


async def test_signing_in_says_what_is_wrong(tmp_path: Path) -> None:
    """Exit 2 for a mailbox that is not there or has no OAuth, 1 when the provider refuses."""
    async with provider(error="unauthorized_client") as made:
        of_custom(tmp_path, made, 1, 1)
        place = ("--config", str(tmp_path / "config.yaml"))
        refused = await run("oauth", "login", "support", *place)
        assert (refused.exit_code, "oauth.client_id" in refused.output) == (1, True)
        unknown = await run("oauth", "login", "sales", *place)
        assert (unknown.exit_code, "there are: support" in unknown.output) == (2, True)
    box_of(tmp_path, "smtp_in: {listen: '127.0.0.1:0'}")
    without = await run("oauth", "login", "support", *place)
    assert (without.exit_code, "has no oauth" in without.output) == (2, True)


async def test_google_asks_for_the_address_that_the_browser_ended_at(tmp_path: Path) -> None:
    """A wrong one is refused before anybody is asked."""
    box_of(tmp_path, IN.replace("microsoft", "google"))
    place = ("--config", str(tmp_path / "config.yaml"))
    result = await run("oauth", "login", "support", *place, input="http://127.0.0.1:8765/?code=x&state=y\n")
    assert result.exit_code == 1
    assert "https://accounts.google.com/o/oauth2/v2/auth?" in result.output
    assert "not the address the browser ended at" in result.output


async def test_a_mailbox_with_a_password_is_checked_too(server: ImapServer, tmp_path: Path) -> None:
    """How many mails lie there; a wrong password is told with where to look."""
    server.deliver(b"Subject: one\r\n\r\nx\r\n")
    given = f"imap: {{host: 127.0.0.1, port: {server.port}, tls: false, username: {USER}, password: {{env: PW}}}}"
    found = await checked(box_of(tmp_path, given, password=PASSWORD), tmp_path)
    assert "1 mails in INBOX, login by a password" in found["support.imap"].told
    found = await checked(box_of(tmp_path, given, password="wrong"), tmp_path)
    assert not found["support.imap"].good
    assert "password of imap" in found["support.imap"].advice


def test_our_own_certificate_is_told_with_the_days_it_has_left(tmp_path: Path) -> None:
    """Two weeks before its end it is a finding."""
    made = make_certificate(tmp_path)
    given = f"smtp_in: {{listen: '127.0.0.1:0', certificate: {made.path}, key: {made.key}}}"
    box, now = box_of(tmp_path, given), datetime.now(UTC)
    (soon,) = own_certificates(box, now)
    assert (soon.good, soon.told.startswith("expires in 1 days")) == (False, True)
    (long,) = own_certificates(box, now - timedelta(days=60))
    assert long.good
    (over,) = own_certificates(box, now + timedelta(days=3))
    assert "has expired" in over.told
    made.path.write_text("no certificate")
    (broken,) = own_certificates(box, now)
    assert not broken.good
