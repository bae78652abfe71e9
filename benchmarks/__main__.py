"""``python -m benchmarks``: how fast a mail becomes a ticket and its acknowledgement (docs/performance.md).

``python -m benchmarks parsing`` measures what it costs to understand a mail, ``python -m benchmarks steps`` each step
of a mail's way by itself.
"""

from __future__ import annotations

import sys

from benchmarks import intake, parsing, steps

_KINDS = {"parsing": parsing.main, "steps": steps.main}

if __name__ == "__main__":
    asked = sys.argv[1:]
    kind = _KINDS.get(asked[0]) if asked else None
    raise SystemExit(kind(asked[1:]) if kind else intake.main(asked))
