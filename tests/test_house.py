"""Keeps the house as it was laid out: sizes, names, one clock, no silent ``except``, reasons beside every exception."""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = ("rules", "storage", "channels", "bot")
ARCHITECTURE = ROOT / "ARCHITECTURE.md"

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
USUAL_FUNCTION = 25
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "service", "services", "misc", "common"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules(*folders: str) -> tuple[Path, ...]:
    """Every module under some folders of the house, or of all of it, tests and benchmarks included."""
    folders = folders or (*HOUSE, "tests", "benchmarks")
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[Function, int]]:
    """Every function of a module with its length in lines, from ``def`` to its last line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module by the words it is written with: ``datetime.now``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def breaches(paths: tuple[Path, ...], test: Callable[[str], bool]) -> list[str]:
    """Every line of some files that breaks a rule, with its place."""
    return [
        f"{name(path)}:{number}: {line.strip()}"
        for path in paths
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if test(line)
    ]


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    long = [f"{name(path)} has {length} lines" for path, length in lengths.items() if length > LONGEST_FILE]
    assert long == [], "\n".join(long)


def test_no_function_is_longer_than_one_screen() -> None:
    long = [
        f"{name(path)}:{function.lineno}: {function.name} has {length} lines"
        for path in modules()
        for function, length in functions(path)
        if length > LONGEST_FUNCTION
    ]
    assert long == [], "\n".join(long)


def test_nine_functions_in_ten_are_short(record_property: Callable[[str, object], None]) -> None:
    lengths = [length for path in modules(*HOUSE) for _, length in functions(path)]
    p90 = statistics.quantiles(lengths, n=10)[-1]
    record_property("function_length_p90", p90)
    assert p90 <= USUAL_FUNCTION


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name(path) for path in modules() if SAYS_NOTHING & {path.stem, *path.parts}] == []


def test_the_map_shows_every_module() -> None:
    """A new module is added to the tree in ARCHITECTURE.md, beside those that it belongs with."""
    shown = set(
        re.findall(r"\w+", ARCHITECTURE.read_text(encoding="utf-8").partition("## The tree")[2].partition("## ")[0])
    )
    missing = [name(path) for path in modules(*HOUSE) if not path.stem.startswith("__") and path.stem not in shown]
    assert missing == [], "\n".join(missing)


def test_every_module_says_first_what_it_is_for() -> None:
    silent = [
        name(path)
        for path in modules()
        if not path.read_text(encoding="utf-8").startswith('"""') or not ast.get_docstring(tree(path))
    ]
    assert silent == [], "\n".join(silent)


def test_only_the_clock_reads_the_time() -> None:
    clocks = re.compile(r"(^|\.)((datetime|date)\.(now|utcnow|today)|time\.(time|time_ns|localtime|gmtime))$")
    readers = [
        f"{name(path)}:{call.lineno}: {words}"
        for path in modules(*HOUSE)
        if path != ROOT / "bot" / "clock.py"
        for words, call in calls(path)
        if clocks.search(words)
    ]
    assert readers == [], "\n".join(readers)


def test_times_of_things_end_in_at() -> None:
    """``opened_at``, ``due_at``; a plain ``at`` where the noun is the happening itself."""
    odd = [
        f"{name(path)}:{field.lineno}: {field.target.id}"
        for path in modules(*HOUSE)
        for owner in ast.walk(tree(path))
        if isinstance(owner, ast.ClassDef)
        for field in owner.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if re.fullmatch(r"datetime( \| None)?", ast.unparse(field.annotation))
        if not re.search(r"(^|_)at$", field.target.id)
    ]
    assert odd == [], "\n".join(odd)


def test_only_commands_print() -> None:
    may = re.compile(r"^(bot/(cli|demo|running)|benchmarks/)")
    printing = [
        f"{name(path)}:{call.lineno}"
        for path in modules()
        if not may.match(name(path))
        for words, call in calls(path)
        if words == "print"
    ]
    assert printing == [], "\n".join(printing)


def test_fakes_are_written_by_hand() -> None:
    imports = re.compile(r"^\s*(import|from)\s+(unittest|mock|pytest_mock|freezegun|time_machine)\b")
    found = breaches(modules(), lambda line: bool(imports.search(line)))
    assert found == [], "\n".join(found)


def test_no_test_sleeps() -> None:
    """Tests wait for a condition; ``asyncio.sleep`` may stand in a loop that looks for one."""
    sleeping = [
        f"{name(path)}:{call.lineno}"
        for path in modules("tests")
        for words, call in calls(path)
        if words == "time.sleep" and not _inside_a_loop(path, call)
    ]
    assert sleeping == [], "\n".join(sleeping)


def _inside_a_loop(path: Path, call: ast.Call) -> bool:
    loops = (ast.While, ast.For, ast.AsyncFor)
    return any(call in ast.walk(node) for node in ast.walk(tree(path)) if isinstance(node, loops))


def test_no_machine_path_is_written_down() -> None:
    kinds = {".py", ".md", ".toml", ".yaml", ".js", ".html", ".css", ".sh", ""}
    texts = tuple(path for path in _kept_files() if path.suffix in kinds)
    machine = re.compile(r"(^|[^A-Za-z0-9_.<>/-])/(work|root|farm|home|tmp|opt)/[a-z]")
    found = breaches(texts, lambda line: bool(machine.search(line)))
    assert found == [], "\n".join(found)


def _kept_files() -> Iterator[Path]:
    folders = (*HOUSE, "tests", "benchmarks", "docs", ".ci")
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix != ".lock" and path.name != ".git")
    for folder in folders:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_every_silenced_warning_has_its_reason_beside_it() -> None:
    silenced = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)")
    reasoned = re.compile(r"#\s*(noqa:\s*[A-Z0-9, ]+?|type:\s*ignore\[[\w, -]+\])\s*(#|-|--|:)\s+\S.{7,}")
    found = breaches(modules(), lambda line: bool(silenced.search(line)) and not reasoned.search(line))
    assert found == [], "\n".join(found)


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|pytest\.skip\(|mark\.(skip|xfail)\b")
    found = breaches(modules(), lambda line: bool(later.search(line)))
    assert found == [], "\n".join(found)


def test_the_linter_keeps_the_rest() -> None:
    """Naive datetimes, blind excepts, prints and complexity are ruff's to find; nobody may switch that off."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        tools = tomllib.load(file)["tool"]

    assert {"DTZ", "BLE", "T20", "C90", "ASYNC", "S"} <= set(tools["ruff"]["lint"]["select"])
    assert tools["ruff"]["lint"]["mccabe"]["max-complexity"] <= 10
    assert tools["mypy"]["strict"] is True
    assert tools["pytest"]["ini_options"]["filterwarnings"] == ["error"]


def test_the_import_contracts_stand() -> None:
    """Laws 1 and 2 rest on the first and the last; ``make contracts`` checks the code against them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        layers, shown, pure, *_ = tomllib.load(file)["tool"]["importlinter"]["contracts"]

    assert layers["layers"] == ["bot", "channels | storage", "rules"]
    assert shown["layers"] == ["channels.slack | channels.web", "channels.chat"]
    assert pure["source_modules"] == ["rules"]
    assert {"socket", "threading", "asyncio", "logging", "os", "pathlib", "time"} <= set(pure["forbidden_modules"])


def catch_alls() -> set[str]:
    """Every place of the house that catches whatever comes: ``bot/desk.py receive``."""
    found = set()
    for path in modules(*HOUSE):
        for function, _ in functions(path):
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and _catches_all(node):
                    found.add(f"{name(path)} {function.name}")
    return found


def _catches_all(handler: ast.ExceptHandler) -> bool:
    """Whether a handler swallows whatever comes; one that cleans up and raises it again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in ("Exception", "BaseException") for one in caught)


def test_whatever_comes_is_caught_only_where_the_map_says() -> None:
    """The table in ARCHITECTURE.md names each place and why a bug must not end the work there."""
    table = ARCHITECTURE.read_text(encoding="utf-8").partition("## Where every exception is caught")[2]
    row = re.compile(r"^\| `([\w/.]+)` \| `(\w+)` \|", re.MULTILINE)
    told = {f"{file} {function}" for file, function in row.findall(table)}
    assert catch_alls() == told, f"not told: {catch_alls() - told}; told, but not there: {told - catch_alls()}"
