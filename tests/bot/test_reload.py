"""SIGHUP: a running desk decides by the new configuration, and its doors, senders and signatures stay as they are."""

from __future__ import annotations

from pathlib import Path

from bot.clock import SystemClock
from bot.config import Config, load_config
from bot.wiring import House
from storage.memory import MemoryStore

CONFIG = """
desk: {{name: {desk}, timezone: Asia/Shanghai, languages: [en], data_dir: ./{data}}}
storage: {{url: "tinydb:./data"}}
channels:
  mail:
    - name: {box}
      address: {box}@example.com
      smtp_in: {{listen: "127.0.0.1:0"}}
      smtp_out: {{maildir: ./mail}}
  web: {{listen: "127.0.0.1:0", public_url: "https://{box}.example.com"}}
staff:
  - {{name: Ana, email: ana@example.com, role: agent}}
"""


def a_config(folder: Path, *, desk: str, box: str, data: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(desk=desk, box=box, data=data))
    return load_config(path)


async def test_what_needs_a_restart_is_not_half_taken(tmp_path: Path) -> None:
    """A mailbox renamed in the file kept its door and its sender, but answers were owed to one that is not there."""
    running = a_config(tmp_path, desk="Old", box="support", data="data").signed()
    house = House(running, MemoryStore(), SystemClock())
    await house.reload(a_config(tmp_path, desk="New", box="help", data="elsewhere"))
    policy = house.desk.policy
    assert policy.desk_name == "New"
    assert policy.mailboxes == running.policy.mailboxes
    assert (policy.secret, policy.public_url) == (running.policy.secret, running.policy.public_url)
    assert policy.secret
    assert house.config.settings == running.settings
    assert not (tmp_path / "elsewhere").exists()
    house._executor.shutdown()
