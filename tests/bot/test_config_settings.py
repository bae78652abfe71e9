"""The technical half of the configuration: paths, listeners, secrets, and the key that signs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.accounts import relay_settings
from bot.config import load_config
from bot.config_types import Listen
from bot.signing import console_token, known_secret, signing_secret
from channels.mail.imap_account import ImapSettings
from channels.mail.smtp_out import RelaySettings
from rules.errors import ConfigError
from tests.bot.config_files import loaded, problems, written

MAILBOX = """
desk: {name: Acme, data_dir: files}
channels:
  mail:
    - address: Support@Example.com
      aliases: [help@example.com]
      trusted_hosts: [mx.example.com]
      smtp_in: {listen: "[::1]:0"}
      imap: {host: imap.example.com, username: u, password: {env: MAIL_PASSWORD}}
      smtp_out: {host: relay.example.com, tls: true, username: u, password: {file: relay.txt}}
      lmtp_in: {listen: "127.0.0.1:24"}
  slack: {channel: C0123, bot_token: {env: BOT}, app_token: {env: APP}}
  web: {listen: "127.0.0.1:0", public_url: "https://desk.example.com/"}
limits: {message_size: 25MB, smtp_connections: off, smtp_memory: 10MB}
"""
ENVIRON = {"MAIL_PASSWORD": "hunter-2", "BOT": "xoxb-quiet", "APP": "xapp-quiet"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the file that a secret is read from."""
    (tmp_path / "relay.txt").write_text("from a file\n", encoding="utf-8")
    return tmp_path


def test_a_small_configuration_has_all_the_rest_by_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path).settings
    assert settings.data_dir == tmp_path / "data"
    assert settings.storage_url == f"tinydb:{tmp_path}/data"
    assert settings.mailbox("support").smtp_out.maildir == tmp_path / "data" / "outgoing"
    assert settings.web.listen == Listen("127.0.0.1", 8080)
    assert settings.slack is None
    assert (settings.limits.message_size, settings.log.level) == (50 * 1024 * 1024, "info")
    with pytest.raises(KeyError):
        settings.mailbox("nobody")


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "desk").mkdir()
    written(tmp_path / "desk")
    monkeypatch.chdir(tmp_path)
    config = load_config("desk/config.yaml", {})
    assert config.settings.data_dir == tmp_path / "desk" / "data"
    assert config.path == tmp_path / "desk" / "config.yaml"


def test_every_part_of_a_mailbox_arrives(folder: Path) -> None:
    config = loaded(folder, environ=ENVIRON, base=MAILBOX)
    settings = config.settings
    (box,) = settings.mail
    assert (box.name, box.address, box.aliases) == ("support", "support@example.com", ["help@example.com"])
    assert config.policy.mailbox("support").trusted_hosts == ("mx.example.com",)
    assert box.smtp_in is not None
    assert box.lmtp_in is not None
    assert box.lmtp_in.listen == Listen("127.0.0.1", 24)
    assert box.imap is not None
    assert box.smtp_out.password is not None
    assert (box.smtp_in.listen, str(box.smtp_in.listen)) == (Listen("::1", 0), "[::1]:0")
    assert (box.imap.port, box.imap.tls, box.imap.folder, box.imap.first_run) == (993, "tls", "INBOX", "new")
    assert box.imap.password is not None
    assert box.imap.password.get_secret_value() == "hunter-2"
    assert (box.smtp_out.tls, box.smtp_out.maildir) == ("tls", None)
    assert box.smtp_out.password.get_secret_value() == "from a file"
    assert settings.limits.smtp_memory == 10 * 1024 * 1024
    assert (settings.limits.message_size, settings.limits.smtp_connections) == (25 * 1024 * 1024, None)


def test_the_policy_knows_how_customers_reach_the_pages(folder: Path) -> None:
    config = loaded(folder, environ=ENVIRON, base=MAILBOX)
    assert config.policy.public_url == "https://desk.example.com"
    assert config.policy.is_own("help+x@example.com")


def test_a_mail_store_on_this_machine_is_reached_by_its_socket_and_without_encryption(folder: Path) -> None:
    """Nobody listens in on a socket; over a port, encryption stays the default."""
    for way, place, tls in (("socket: lmtp.sock", f"{folder}/lmtp.sock", False), ("host: mx", "mx:587", "starttls")):
        base = f"desk: {{name: A}}\nchannels: {{mail: [{{address: a@b.test, smtp_out: {{protocol: lmtp, {way}}}}}]}}\n"
        settings = relay_settings(loaded(folder, base=base).settings.mail[0].smtp_out)
        assert (settings.lmtp, settings.place, settings.tls) == (True, place, tls)


def test_no_secret_ever_shows(folder: Path) -> None:
    config = loaded(folder, environ=ENVIRON, base=MAILBOX)
    told = repr(config) + str(config.settings) + str(config.settings.mail[0].model_dump())
    for secret in (*ENVIRON.values(), "from a file"):
        assert secret not in told


@pytest.mark.parametrize("password", ["hunter-2", "12345", "{value: hunter-2}", "{env: A, file: b}", "[hunter-2]"])
def test_a_password_in_the_file_is_refused_and_not_repeated(password: str, folder: Path) -> None:
    (told,) = problems(folder, environ=ENVIRON, base=MAILBOX.replace("{env: MAIL_PASSWORD}", password))
    assert told.startswith("config.yaml:7:66: channels.mail[0].imap.password: ") or "{env: NAME}" in told
    assert "hunter" not in told
    assert "12345" not in told


def test_a_secret_that_is_not_there_is_a_problem_with_its_line(folder: Path) -> None:
    (folder / "relay.txt").unlink()
    told = problems(folder, environ={"APP": "a", "BOT": ""}, base=MAILBOX)
    assert [problem.split(": ", 2)[1:] for problem in told] == [
        [
            "channels.mail[0].imap.password",
            "the environment variable MAIL_PASSWORD is not set; set it before the desk starts",
        ],
        ["channels.mail[0].smtp_out.password", 'the file "relay.txt" cannot be read, is not UTF-8 or is empty'],
        ["channels.slack.bot_token", "the environment variable BOT is not set; set it before the desk starts"],
    ]


def test_a_secret_file_is_looked_for_among_the_credentials_of_the_service_first(folder: Path) -> None:
    (folder / "credentials").mkdir()
    (folder / "credentials" / "relay.txt").write_text("from systemd", encoding="utf-8")
    environ = {**ENVIRON, "CREDENTIALS_DIRECTORY": str(folder / "credentials")}
    box = loaded(folder, environ=environ, base=MAILBOX).settings.mail[0]
    assert box.smtp_out.password is not None
    assert box.smtp_out.password.get_secret_value() == "from systemd"


def test_reading_a_configuration_writes_nothing(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.policy.secret == b""
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_the_first_start_makes_the_signing_secret_and_later_ones_keep_it(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    signed = config.signed()
    key = tmp_path / "data" / "secret.key"
    assert len(signed.policy.secret) >= 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert signing_secret(config.settings) == signed.policy.secret
    assert loaded(tmp_path).policy.secret == signed.policy.secret
    assert [path.name for path in key.parent.iterdir()] == ["secret.key"]


def test_two_desks_have_different_secrets(tmp_path: Path) -> None:
    made = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.add(loaded(tmp_path / name).signed().policy.secret)
    assert len(made) == 2


def test_a_configured_signing_secret_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    base = "desk: {name: A, secret: {env: KEY}}\nchannels: {mail: [{address: a@x.test}]}\n"
    config = loaded(tmp_path, environ={"KEY": "k" * 40}, base=base)
    assert config.signed().policy.secret == known_secret(config.settings) == b"k" * 40
    assert not (tmp_path / "data").exists()
    assert "kkk" not in repr(config)


def test_an_empty_secret_signs_and_opens_nothing(tmp_path: Path) -> None:
    """A file that a full disk or a slip left empty stops the start: anybody could sign with an empty secret."""
    config = loaded(tmp_path)
    config.settings.data_dir.mkdir()
    for name in ("secret.key", "console.token"):
        (config.settings.data_dir / name).write_text("\n")
    for use in (config.signed, lambda: console_token(config.settings.data_dir)):
        with pytest.raises(ConfigError) as caught:
            use()
        assert "is empty" in caught.value.problems[0]


def test_accounts_do_not_show_their_passwords() -> None:
    """Whatever prints them: a log, a trace, a debugger."""
    relay = RelaySettings(host="mail.example.com", port=587, password="tr0ub4dor")
    mailbox = ImapSettings(host="mail.example.com", port=993, username="support", password="tr0ub4dor")
    assert "tr0ub4dor" not in f"{relay} {mailbox}"
