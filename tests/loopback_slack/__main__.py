"""Runs the loopback Slack by itself: `python -m tests.loopback_slack --port 0` prints where it listens, as JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.loopback_slack.embedded import LoopbackSlack
from tests.loopback_slack.manifest import Manifest


def main() -> None:
    """Print one JSON line with addresses and tokens, then serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="loopback_slack", description="A Slack of the tests' own")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--manifest", type=Path, help="the Slack app manifest that grants scopes and events")
    parser.add_argument("--no-rate-limits", action="store_true")
    parser.add_argument("--confirm-within", type=float, default=3.0, metavar="SECONDS")
    chosen = parser.parse_args()
    slack = LoopbackSlack(
        Manifest.load(chosen.manifest) if chosen.manifest else None,
        rate_limits=not chosen.no_rate_limits,
        confirm_within_s=chosen.confirm_within,
        port=chosen.port,
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    slack.start()
    sys.stdout.write(json.dumps(slack.facts) + "\n")
    sys.stdout.flush()
    ended.wait()
    slack.stop()


if __name__ == "__main__":
    main()
