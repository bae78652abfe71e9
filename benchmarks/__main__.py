"""``python -m benchmarks``: how fast a mail becomes a ticket and its acknowledgement (docs/performance.md).

``python -m benchmarks parsing`` measures what it costs to understand a mail.
"""

from __future__ import annotations

import sys

from benchmarks import intake, parsing

if __name__ == "__main__":
    asked = sys.argv[1:]
    raise SystemExit(parsing.main(asked[1:]) if asked[:1] == ["parsing"] else intake.main(asked))
