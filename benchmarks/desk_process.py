"""``deskbell run`` in a folder of its own: the shipped configuration, on free ports, with a sink for a relay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 120.0


def configuration(folder: Path, relay_port: int, url: str = "") -> Path:
    """Write the shipped ``config.yaml`` into a folder, changed only where it listens, sends, and keeps the desk."""
    config: dict[str, Any] = YAML(typ="safe").load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    box = config["channels"]["mail"][0]
    box["smtp_in"] = {"listen": "127.0.0.1:0"}
    box["smtp_out"] = {"host": "127.0.0.1", "port": relay_port, "tls": False, "connections": 8}
    config["channels"]["web"] = {"listen": "127.0.0.1:0"}
    if url:
        config["storage"] = {"url": url}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, ensure_ascii=False, default=str), encoding="utf-8")
    return path


class DeskProcess:
    """A running desk; as a context it ends the process, and shows the end of its log after a failure."""

    def __init__(self, config: Path) -> None:
        self._log = config.parent / "desk.log"
        began = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run", "--config", str(config)],
                stdout=subprocess.DEVNULL, stderr=log, cwd=ROOT,
            )  # fmt: skip
        self.port = self._wait_ready()
        self.started_within_s = time.monotonic() - began

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def _wait_ready(self) -> int:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.endswith("}") and (said := json.loads(line)).get("event") == "ready":
                    return int(said["listening"]["smtp"].rpartition(":")[2])
            time.sleep(0.05)
        self._process.kill()
        raise RuntimeError(f"the desk did not get ready:\n{self._log.read_text(encoding='utf-8')[-5000:]}")

    def __enter__(self) -> DeskProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if problem is not None:
            sys.stderr.write(self._log.read_text(encoding="utf-8", errors="replace")[-5000:])


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
