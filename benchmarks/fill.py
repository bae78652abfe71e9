"""Fills a desk with tickets through its store: each made after a real decision on a real mail, its deliveries done."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.store import Template
from bot.config import load_config
from bot.stores import open_store

_AT_ONCE = 500


def fill(config_path: Path, count: int) -> None:
    """Put ``count`` open tickets, each with its journal, timers, raw mail and settled outbox, into an empty desk.

    All are open, which is the worst case: nothing may rest in an archive. Raises StoreError when it cannot.
    """
    config = load_config(config_path)
    store = open_store(config.settings.storage_url)
    try:
        with tempfile.TemporaryDirectory() as folder:
            template = Template(Path(folder))
        for first in range(1, count + 1, _AT_ONCE):
            with store.together():
                for number in range(first, min(first + _AT_ONCE, count + 1)):
                    template.take_in(store, number, settled=True)
    finally:
        store.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
