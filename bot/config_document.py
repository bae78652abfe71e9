"""Reads a YAML file into plain data and remembers at which line and column everything stands.

YAML 1.2 by ruamel.yaml: ``NO`` and ``09:30`` stay text. Nothing but plain values is built: unknown tags, merge keys,
duplicate keys and aliases that swell up are problems, reported together with all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Loc = tuple[str | int, ...]

_MOST_VALUES = 50_000
_DEEPEST = 40
_TAG = "tag:yaml.org,2002:"
_PLAIN = (_TAG + "map", _TAG + "seq")
_TRUE = frozenset({"true", "True", "TRUE"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column, both counted from 1. ``body`` is where the words of a text begin."""

    line: int
    column: int
    body: tuple[int, int] | None = None
    block: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file, ready to be told: ``config.yaml:41:9: rules[3].then.priority: …``."""

    file: str
    place: Place
    path: str
    words: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.place.line}:{self.place.column}: "
        return f"{where}{self.path}: {self.words}" if self.path else where + self.words


@dataclass(slots=True)
class Document:
    """One file as plain data, with the places of its keys and values and the problems found so far.

    ``told`` has problems of other files that this one leans on, already in words.
    """

    file: str
    data: object = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Loc, Place] = field(default_factory=dict)
    keys: dict[Loc, Place] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def place(self, loc: Loc, *, key: bool = False) -> Place:
        """Where ``loc`` stands; the nearest thing around it when it is not in the file."""
        if key and loc in self.keys:
            return self.keys[loc]
        for length in range(len(loc), -1, -1):
            found = self.values.get(loc[:length]) if length == len(loc) else self._holder(loc[:length])
            if found:
                return found
        return Place(1, 1)

    def report(self, loc: Loc, words: str, *, key: bool = False, place: Place | None = None) -> None:
        """Add a problem at ``loc``: at its key for names that should not be there, else at its value."""
        self.problems.append(Problem(self.file, place or self.place(loc, key=key), dotted(loc), words))

    def sorted_problems(self) -> tuple[str, ...]:
        """All problems in the order of the file, each once; those of other files last."""
        ordered = sorted(self.problems, key=lambda problem: (problem.place.line, problem.place.column))
        return tuple(dict.fromkeys([*(str(problem) for problem in ordered), *self.told]))

    def _holder(self, loc: Loc) -> Place | None:
        return self.keys.get(loc) or self.values.get(loc)


def dotted(loc: Loc) -> str:
    """``("rules", 3, "then")`` as people write it: ``rules[3].then``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(path: Path, file: str | None = None) -> Document:
    """Read one YAML file. What is wrong with it is in ``problems``; this never raises for what the file says."""
    document = Document(file or path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        document.report((), f"is not UTF-8 (byte {error.start}); save it as UTF-8")
        return document
    except OSError as error:
        document.report((), f"cannot be read: {error.strerror}")
        return document
    node = _compose(text, document)
    if node is not None:
        document.data = _Reader(document).read(node, (), 0)
    return document


def _compose(text: str, document: Document) -> Node | None:
    try:
        node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        words = " ".join(part for part in (error.context, error.problem) if part)
        document.report((), f"this is not YAML: {words}", place=place)
        return None
    except YAMLError as error:
        document.report((), f"this is not YAML: {str(error).splitlines()[0]}")
        return None
    except RecursionError:
        document.report((), "this is nested too deep to be a configuration")
        return None
    if node is None:
        document.report((), "the file is empty")
    return node if isinstance(node, Node) else None


class _Reader:
    """Walks the nodes of one file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def read(self, node: Node, loc: Loc, depth: int) -> object:
        """The plain value of a node; None where there is a problem."""
        self.count += 1
        self.document.values.setdefault(loc, _place(node))
        if self.count == _MOST_VALUES or depth > _DEEPEST:
            self.document.report(loc, "this is far more, or far deeper, than a configuration holds")
        if self.count >= _MOST_VALUES or depth > _DEEPEST:
            return None
        if isinstance(node, MappingNode | SequenceNode) and str(node.tag) not in _PLAIN:
            self.document.report(loc, f"the tag {node.tag} is not used here")
            return None
        if isinstance(node, MappingNode):
            return dict(self._pairs(node, loc, depth))
        if isinstance(node, SequenceNode):
            return [self.read(item, (*loc, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(str(node.tag), str(node.value), loc)

    def _pairs(self, node: MappingNode, loc: Loc, depth: int) -> Iterator[tuple[str, object]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, ScalarNode) or key_node.tag == _TAG + "merge":
                self.document.report(loc, "keys are plain words here (no merge keys, lists or maps)", place=place)
                continue
            key = _joined(str(key_node.value)) or ""
            if key in first:
                self.document.report((*loc, key), f"stands here twice, first in line {first[key]}", place=place)
                continue
            first[key] = place.line
            self.document.keys[(*loc, key)] = place
            yield key, self.read(value_node, (*loc, key), depth + 1)

    def _scalar(self, tag: str, text: str, loc: Loc) -> object:
        kind = tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return text in _TRUE
        if kind in ("int", "float"):
            return _number(text)
        if kind not in ("str", "timestamp"):
            self.document.report(loc, f"the tag {tag} is not used here")
            return None
        joined = _joined(text)
        if joined is None:
            self.document.report(loc, "half a character is written here (a lone surrogate); write the character itself")
        return joined


def _joined(text: str) -> str | None:
    """Text with characters put together that JSON writes as two escapes; None where one half is missing."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    for read in (int, lambda number: int(number, 0), float):
        try:
            return read(plain)
        except ValueError:
            continue
    return text


def _place(node: Node) -> Place:
    """Where a node begins, and where the words of a text begin, so that a column inside of it can be told."""
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    style = getattr(node, "style", None)
    if style in ("|", ">"):
        return Place(line, column, (line + 1, _indent(node)), block=True)
    return Place(line, column, (line, column + 1 if style in ("'", '"') else column))


def _indent(node: Node) -> int:
    """The column at which the lines of a block text begin."""
    buffer = getattr(node.start_mark, "buffer", None)
    if not isinstance(buffer, str):
        return 1
    for text in buffer[node.start_mark.pointer :].splitlines()[1:]:
        if text.strip():
            return len(text) - len(text.lstrip(" ")) + 1
    return 1
