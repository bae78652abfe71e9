"""``python -m benchmarks``: how fast a mail becomes a ticket and its acknowledgement (docs/performance.md).

``python -m benchmarks parsing`` measures what it costs to understand a mail, ``python -m benchmarks steps`` each step
of a mail's way by itself, ``python -m benchmarks sending`` what it costs from the commit to the relay. ``python -m
benchmarks scale`` prints the tables of docs/scale.md, ``python -m benchmarks store`` measures the embedded store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from benchmarks import intake, parsing, scale, sending, steps, store

_KINDS: Mapping[str, Callable[[list[str]], int]] = {
    "parsing": parsing.main,
    "steps": steps.main,
    "sending": sending.main,
    "scale": scale.main,
    "store": store.main,
}

if __name__ == "__main__":
    asked = sys.argv[1:]
    kind = _KINDS.get(asked[0]) if asked else None
    raise SystemExit(kind(asked[1:]) if kind else intake.main(asked))
