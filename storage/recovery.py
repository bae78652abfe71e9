"""Start-up: loads the newest good snapshot, replays the journals after it, and says what it had to repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rules.errors import CorruptStoreError
from storage.base import CHECKED_AT_ONCE, Base, open_base
from storage.files import Files
from storage.index_file import index_path, write_index
from storage.journal import Change, Tail, journal_path, replay
from storage.merging import GONE, Delta, write_base
from storage.records import dumps
from storage.shape import check_row
from storage.snapshot import LEDGER, SEEN, check_snapshot, numbers, snapshot_path

DAMAGED = "damaged"
"""The folder beside the store where what could not be read is kept."""


@dataclass(slots=True, kw_only=True)
class Recovered:
    """What was on disk: the snapshot, the rows that changed after it, and a sentence for each thing repaired."""

    number: int
    """The last commit."""
    base: Base
    tables: dict[str, dict[int, bytes]] = field(default_factory=dict)
    others: list[Change] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    torn: tuple[Path, Tail] | None = None
    unwritten_index: bool = False
    """Whether the snapshot's index was built anew and is not on the disk yet."""
    journal: Path | None = None
    """The journal that ends at the last commit, where the next may go on."""

    def apply(self, change: Change) -> None:
        """Do one change of the journal again."""
        name, key, value = change
        if name in (SEEN, LEDGER):
            self.others.append(change)
        else:
            self.tables.setdefault(name, {})[key] = GONE if value is None else dumps(value)


def recover(folder: Path, files: Files, checked_at_once: int = CHECKED_AT_ONCE) -> Recovered:
    """Bring a folder back to its last durable commit.

    Raises CorruptStoreError, with nothing changed on disk, when that cannot be done without losing something that may
    have been confirmed.
    """
    names = files.names(folder)
    snapshots = numbers(names, "desk-", ".json")
    if not snapshots:
        _begin(folder, files, names)
        snapshots = [0]
    found, bad = _newest_good(folder, files, snapshots, checked_at_once)
    _replay_all(found, folder, files, numbers(names, "journal-", ".log"))
    if found.number < snapshots[-1]:
        raise CorruptStoreError(
            f"{snapshot_path(folder, snapshots[-1])} is damaged and the journals end at commit {found.number}; nothing "
            "was changed; restore the folder from a backup"
        )
    for path in bad:
        _set_aside(folder, files, path)
        found.repairs.append(f"The snapshot {path.name} was damaged; an earlier one and the journals gave all of it.")
    _cut_torn_tail(found, folder, files)
    _remove_drafts(folder, files)
    if found.unwritten_index:
        write_index(index_path(found.base.path), files, found.base.index)
        files.sync_folder(folder)
    return found


def check_files(folder: Path, files: Files, journal_size: int, base: Base, pause: Callable[[], None]) -> list[str]:
    """One sentence for every damaged snapshot, index or journal; of that under way the first ``journal_size`` bytes."""
    problems = []
    names = files.names(folder)
    journals = numbers(names, "journal-", ".log")
    try:
        for number in numbers(names, "desk-", ".json"):
            if number != base.number:
                check_snapshot(snapshot_path(folder, number), files)
        base.check_index(pause)
        for after in journals:
            path = journal_path(folder, after)
            data = _read(files, path)[: journal_size if after == journals[-1] else None]
            *_, tail = replay(str(path), data, after)
            if isinstance(tail, Tail) and tail.torn:
                problems.append(f"{path} ends in the middle of commit {tail.number + 1}.")
    except CorruptStoreError as problem:
        problems.append(str(problem))
    return problems


def _begin(folder: Path, files: Files, names: list[str]) -> None:
    """An empty folder becomes a store. Journals without any snapshot are what is left of one."""
    if any(_size(files, folder / name) for name in names if name.startswith("journal-")):
        raise CorruptStoreError(
            f"{folder} holds journals but no snapshot (desk-….json); nothing was changed; restore the folder from a "
            "backup"
        )
    write_base(folder, files, 0, None, Delta({}, {}, {})).close()


def _newest_good(
    folder: Path, files: Files, snapshots: list[int], checked_at_once: int
) -> tuple[Recovered, list[Path]]:
    bad: list[Path] = []
    problem: CorruptStoreError | None = None
    for number in reversed(snapshots):
        path = snapshot_path(folder, number)
        try:
            base, rebuilt = open_base(folder, files, number, checked_at_once)
        except CorruptStoreError as damage:
            problem = problem or damage
            bad.append(path)
        else:
            found = Recovered(number=number, base=base, unwritten_index=bool(rebuilt))
            found.repairs.extend(filter(None, [rebuilt]))
            return found, bad
    raise problem or CorruptStoreError(f"{folder} holds no snapshot")


def _replay_all(found: Recovered, folder: Path, files: Files, journals: list[int]) -> None:
    for index, after in enumerate(journals):
        path = journal_path(folder, after)
        later = journals[index + 1 :]
        if later and later[0] <= found.number:
            continue
        if after > found.number:
            raise CorruptStoreError(
                f"{folder}: commits {found.number + 1} to {after} are in no journal; nothing was changed; restore the "
                "folder from a backup"
            )
        for step in replay(str(path), _read(files, path), after):
            if isinstance(step, Tail):
                found.journal = path if step.number == found.number else found.journal
                _note_torn(found, path, step, folder, [one for one in later if _size(files, journal_path(folder, one))])
            elif step.number > found.number:
                for change in step.changes:
                    check_row(change[0], change[2], f"{path}, commit {step.number},")
                    found.apply(change)
                found.number = step.number


def _note_torn(found: Recovered, path: Path, tail: Tail, folder: Path, later: list[int]) -> None:
    """Only the journal that was being written when the power went may end torn."""
    if not tail.torn:
        return
    if later:
        raise CorruptStoreError(
            f"{path} ends in the middle of commit {tail.number + 1}, but commits went on in "
            f"{journal_path(folder, later[0]).name}; nothing was changed; restore the folder from a backup"
        )
    found.torn = (path, tail)


def _cut_torn_tail(found: Recovered, folder: Path, files: Files) -> None:
    if found.torn is None:
        return
    path, tail = found.torn
    kept = folder / DAMAGED / f"{path.stem}-{tail.size}.torn"
    _copy_aside(folder, files, kept, tail.torn)
    file = files.open(path)
    try:
        file.truncate(tail.size)
        file.sync()
    finally:
        file.close()
    found.repairs.append(
        f"The last write to {path.name} was never finished (the power went, or the process was killed): "
        f"{len(tail.torn)} bytes that nobody had been told of were cut and kept as {DAMAGED}/{kept.name}."
    )


def _copy_aside(folder: Path, files: Files, path: Path, data: bytes) -> None:
    files.make_folder(folder / DAMAGED)
    file = files.open(path)
    try:
        file.truncate(0)
        file.append(data)
        file.sync()
    finally:
        file.close()
    files.sync_folder(folder / DAMAGED)


def _set_aside(folder: Path, files: Files, path: Path) -> None:
    files.make_folder(folder / DAMAGED)
    files.rename(path, folder / DAMAGED / path.name)
    if index_path(path).name in files.names(folder):
        files.remove(index_path(path))
    files.sync_folder(folder / DAMAGED)
    files.sync_folder(folder)


def _remove_drafts(folder: Path, files: Files) -> None:
    names = files.names(folder)
    left = {f"{name.partition('.')[0]}.idx" for name in names if name.endswith(".json")}
    for name in names:
        if name.startswith("desk-") and (name.endswith(".tmp") or (name.endswith(".idx") and name not in left)):
            files.remove(folder / name)


def _read(files: Files, path: Path) -> bytes:
    file = files.open(path)
    try:
        return file.read(0, file.size())
    finally:
        file.close()


def _size(files: Files, path: Path) -> int:
    file = files.open(path)
    try:
        return file.size()
    finally:
        file.close()
