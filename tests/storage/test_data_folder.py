"""The data folder on a real disk: one owner, closed to others, and a full disk loses nothing that was confirmed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rules.errors import CorruptStoreError, StoreError, StoreLockedError, StoreUnavailableError
from rules.model import Decision
from storage.tinydb_store import TinyDBStore

FILL_UP = """
import resource, sys
from pathlib import Path
from rules.errors import StoreUnavailableError
from rules.model import Decision
from storage.tinydb_store import TinyDBStore

store = TinyDBStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for number in range(1000):
    try:
        with store.begin() as work:
            work.record(f"k{number}", Decision(), raw=b"x" * int(sys.argv[3]))
            work.commit()
    except StoreUnavailableError as problem:
        print("refused", problem, file=sys.stderr)
        break
    print(number, flush=True)
store.close()
"""


def run(script: str, *args: object) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("raw", [10, 3000], ids=["in the journal", "in a segment"])
def test_a_full_disk_loses_nothing_that_was_confirmed(tmp_path: Path, raw: int) -> None:
    """The write that does not fit is refused, so is all after it; the next start has every confirmed input."""
    ended = run(FILL_UP, tmp_path / "data", 20_000, raw)
    assert ended.returncode == 0, ended.stderr
    assert "the disk refused a write" in ended.stderr
    confirmed = [int(line) for line in ended.stdout.split()]
    assert 3 < len(confirmed) < 1000
    with closing(TinyDBStore(tmp_path / "data")) as store:
        with store.read() as look:
            assert all(look.raw(f"k{number}") == b"x" * raw for number in confirmed)
            assert not look.seen(f"k{len(confirmed)}")
        assert list(store.verify()) == []


def test_a_second_process_is_told_who_owns_the_folder(tmp_path: Path) -> None:
    """Issue DESK, bad input: one clear sentence."""
    with closing(TinyDBStore(tmp_path / "data")):
        ended = run(
            "import sys; from pathlib import Path; from storage.tinydb_store import TinyDBStore;"
            "TinyDBStore(Path(sys.argv[1]))",
            tmp_path / "data",
        )
        said = ended.stderr.strip().splitlines()[-1]
        assert said.startswith("rules.errors.StoreLockedError: ")
        assert f"{tmp_path / 'data'} is in use by process {os.getpid()}" in said
        with pytest.raises(StoreLockedError):
            TinyDBStore(tmp_path / "data")
    TinyDBStore(tmp_path / "data").close()


def test_a_process_that_died_leaves_the_folder_free(tmp_path: Path) -> None:
    """The kernel takes the lock back; nobody has to remove a file by hand."""
    script = (
        "import os, sys; from pathlib import Path; from rules.model import Decision;"
        "from storage.tinydb_store import TinyDBStore\n"
        "store = TinyDBStore(Path(sys.argv[1]))\n"
        "with store.begin() as work:\n"
        "    work.record('k', Decision())\n"
        "    work.commit()\n"
        "os._exit(9)"
    )
    assert run(script, tmp_path / "data").returncode == 9
    with closing(TinyDBStore(tmp_path / "data")) as store, store.read() as look:
        assert look.seen("k")


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    """Customers' mail is nobody else's to read: files 0600, folders 0700, whatever the umask."""
    old = os.umask(0)
    try:
        store = TinyDBStore(tmp_path / "desk" / "data")
        with store.begin() as work:
            work.record("k", Decision(), raw=b"raw")
            work.commit()
        store.close()
    finally:
        os.umask(old)
    for path in (tmp_path / "desk").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (tmp_path / "desk").stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """A newer desk may have written what this one would misread; nothing is put aside, nothing is changed."""
    TinyDBStore(tmp_path / "data").close()
    (snapshot,) = (tmp_path / "data").glob("desk-*.json")
    write_other_format(snapshot)
    before = sorted((tmp_path / "data").rglob("*"))
    with pytest.raises(StoreError, match="another version") as caught:
        TinyDBStore(tmp_path / "data")
    assert not isinstance(caught.value, CorruptStoreError)
    assert sorted((tmp_path / "data").rglob("*")) == before


def write_other_format(snapshot: Path) -> None:
    """The same snapshot, as a version with another format would have written it."""
    head, mark, _ = snapshot.read_bytes().replace(b'"format":1', b'"format":2').partition(b'"_checksum"')
    snapshot.write_bytes(head + mark + b':{"1":{"sha256":"%s"}}\n}\n' % hashlib.sha256(head).hexdigest().encode())


def test_a_snapshot_inside_a_unit_of_work_is_refused(tmp_path: Path) -> None:
    """It would write down half of it."""
    with closing(TinyDBStore(tmp_path / "data")) as store:
        with store.begin() as work:
            work.record("k", Decision())
            with pytest.raises(RuntimeError, match="half"):
                store.snapshot()
        with store.read() as look:
            assert not look.seen("k")


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is one store error, not a traceback of the system's."""
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StoreUnavailableError, match="data"):
        TinyDBStore(tmp_path / "data")
