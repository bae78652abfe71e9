"""``python -m benchmarks``: how fast a mail becomes a ticket and its acknowledgement (docs/performance.md)."""

from __future__ import annotations

from benchmarks.intake import main

if __name__ == "__main__":
    raise SystemExit(main())
