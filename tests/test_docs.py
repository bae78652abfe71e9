"""The documentation is under test: commands, errors, words, requirements, dependencies and links."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from rules import errors
from rules.errors import DeskbellError

ROOT = Path(__file__).parent.parent
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
HOUSE = ("rules", "storage", "channels", "bot")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sections(name: str) -> dict[str, str]:
    """A page's second-level sections by heading."""
    _, *parts = re.split(r"^## ", text(name), flags=re.MULTILINE)
    return {heading.strip(): body for heading, _, body in (part.partition("\n") for part in parts)}


# Commands


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words it is called with."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


@cache
def command_line() -> dict[str, click.Command]:
    from bot.cli import main

    assert isinstance(main, click.Group)
    return dict(commands(main))


def told_commands() -> dict[str, str]:
    """Every command in docs/commands.md by its words, with the rest of how it is called."""
    told = re.findall(r"^\| `([a-z][a-z -]*?)((?: [-A-Z\[].*?)?)` \|", text("docs/commands.md"), re.MULTILINE)
    assert len(told) == len(dict(told)), "a command is told twice"
    return dict(told)


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert set(told_commands()) == set(command_line())


def test_every_option_and_argument_is_documented_and_every_documented_one_exists() -> None:
    shared = set(re.findall(r"^\| `(--[a-z]+)", text("docs/commands.md"), re.MULTILINE))
    assert shared == {"--config", "--json"}
    for path, usage in told_commands().items():
        command = command_line()[path]
        options = {one.opts[0] for one in command.params if isinstance(one, click.Option)}
        needed = {one.opts[0] for one in command.params if isinstance(one, click.Option) and one.required}
        arguments = {one.human_readable_name.rstrip(".") for one in command.params if isinstance(one, click.Argument)}
        must = re.sub(r"\[.*?\]", "", usage)

        assert set(re.findall(r"--[a-z-]+", usage)) == options - shared, path
        assert set(re.findall(r"--[a-z-]+", must)) == needed, path
        assert (
            set(re.findall(r"(?<!\S)\[?([A-Z]+)(?:…?\]?)(?=\s|$)", re.sub(r"--[a-z-]+ \S+", "", usage))) == arguments
        ), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_call_only_commands_and_targets_that_exist(page: Path) -> None:
    body = page.read_text(encoding="utf-8")
    first_words = {path.partition(" ")[0] for path in command_line()} | {"COMMAND"}
    called = set(re.findall(r"(?:^\S*/|`)deskbell ([a-zA-Z]+)", body, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    made = set(re.findall(r"(?:^|`)make ([a-z]+)", body, re.MULTILINE))

    assert called - first_words == set()
    assert made - targets == set()


# Errors


def all_errors() -> set[str]:
    return {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, DeskbellError) and one.__module__ == errors.__name__
    }


def test_every_error_says_what_to_do_about_it() -> None:
    told = sections("docs/errors.md")

    assert set(told) == all_errors()
    assert [name for name, body in told.items() if "**What to do:**" not in body] == []


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = set(re.findall(r"\w+Error", (errors.__doc__ or "")))
    assert drawn == all_errors()


# Words


def test_the_glossary_has_every_word_of_the_life_of_a_ticket() -> None:
    glossary = set(re.findall(r"^\| ([\w -]+) \|", text("ARCHITECTURE.md").partition("## Words")[2], re.MULTILINE))
    nouns = {"ticket", "message", "customer", "staff", "acknowledgement", "confirm", "first response", "resolution"}
    nouns |= {"SLA clock", "target", "due", "breach", "paused", "escalation", "step", "ping", "survey", "CSAT score"}
    nouns |= {"digest", "decision", "because", "outbox entry", "timer", "quarantine"}
    assert nouns - glossary == set()


# Requirements


COUNTS = {"IN": 7, "CL": 4, "CU": 1, "AS": 5, "SLA": 7, "HA": 9, "CO": 5, "KB": 4, "RE": 6, "DA": 5, "OP": 4}


def requirements() -> list[tuple[str, str, str, str]]:
    row = re.compile(r"^\| (R-[A-Z]{2,3}-\d+) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
    return row.findall(text("docs/requirements.md"))


def test_every_requirement_has_its_row() -> None:
    wanted = [f"R-{area}-{number}" for area, most in COUNTS.items() for number in range(1, most + 1)]
    assert sorted(name for name, *_ in requirements()) == sorted(wanted)


def test_a_requirement_that_is_built_names_where_and_the_test_that_proves_it() -> None:
    wrong = []
    for name, state, where, proof in requirements():
        named = re.findall(r"`([\w./-]+)`", f"{where} {proof}")
        wrong += [f"{name}: there is no {path}" for path in named if not (ROOT / path).exists()]
        if state not in ("built", "begun", "later"):
            wrong.append(f"{name}: {state} is not a state")
        if state != "later" and not re.search(r"`(rules|storage|channels|bot)/", where):
            wrong.append(f"{name}: where is it built?")
        if state != "later" and "`tests/" not in proof:
            wrong.append(f"{name}: which test proves it?")
    assert wrong == [], "\n".join(wrong)


def test_code_and_tests_cite_only_requirements_that_exist() -> None:
    known = {name for name, *_ in requirements()}
    cited = {
        (path.relative_to(ROOT).as_posix(), name)
        for folder in (*HOUSE, "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\bR-[A-Z]{2,3}-\d+\b", path.read_text(encoding="utf-8"))
    }
    assert {(path, name) for path, name in cited if name not in known} == set()


# Dependencies


def package(requirement: str) -> str:
    return re.split(r"[<>=!~; \[]", requirement, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


@cache
def project() -> dict[str, list[str]]:
    loaded = tomllib.loads(text("pyproject.toml"))
    groups = loaded["dependency-groups"]
    return {"run": loaded["project"]["dependencies"], "work": [*groups["dev"], *groups["build"]]}


@pytest.mark.parametrize(("kind", "heading"), [("run", "To run"), ("work", "To work on it")])
def test_every_dependency_says_why_it_is_here(kind: str, heading: str) -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| (.+) \| (.+) \| (.+) \|$", sections("docs/dependencies.md")[heading], re.MULTILINE
    )
    assert sorted(package(row[0]) for row in rows) == sorted(map(package, project()[kind]))


def test_nothing_installed_is_under_the_gpl() -> None:
    """Looks at every locked package that this platform installs; of libraries under the LGPL only psycopg is let in."""
    locked = set(re.findall(r"^([a-z0-9-]+)==", text("requirements-dev.lock"), re.MULTILINE))
    linked = {"psycopg", "psycopg-binary"}
    gpl = []
    for distribution in importlib.metadata.distributions():
        told = distribution.metadata
        words = " ".join([*(told.get_all("Classifier") or ()), told["License-Expression"] or "", told["License"] or ""])
        lesser = package(told["Name"]) in linked and "LGPL" in words
        if package(told["Name"]) in locked and re.search(r"GPL|General Public Licen[sc]e", words) and not lesser:
            gpl.append(told["Name"])
    assert gpl == []


def test_no_dependency_is_idle() -> None:
    """What nothing imports is not carried; time zone data is read, not imported."""
    imported = set()
    for folder in HOUSE:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.partition(".")[0])
    modules = importlib.metadata.packages_distributions()
    used = {package(name) for module in imported - sys.stdlib_module_names for name in modules.get(module, ())}
    assert set(map(package, project()["run"])) - used == {"tzdata"}


def test_every_locked_package_has_its_hashes_and_names_no_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = text(name)
        pins = re.findall(r"^\S+==\S+(?: ; [^\\\n]+)? \\\n    --hash=sha256:", lock, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[a-z]", lock, re.MULTILINE)) > 0
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)


# Links


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            dead.append(target)
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
