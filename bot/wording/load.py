"""Reads the texts the desk writes, one file for each language, and checks each against the English one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter

from bot.config_document import Document, Loc, read_document
from bot.config_types import did_you_mean
from rules.errors import ConfigError
from rules.wording import Texts, Wording, gaps

SHIPPED = Path(__file__).parent
"""The folder of the texts that come with Deskbell."""

REFERENCE = "en"
"""The language that says which texts there are and which gaps they have."""


def files(folders: Sequence[Path] = (SHIPPED,)) -> dict[str, Path]:
    """The file of each language; in a later folder it stands in for one of an earlier folder."""
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def load_wording(languages: Sequence[str], folders: Sequence[Path] = (SHIPPED,)) -> Wording:
    """The texts of the languages, the first of which stands in for all others; the first folder has the reference.

    Raises ConfigError with every problem in every file: unknown or missing keys, gaps that differ, braces that do not
    match, and a language that has no file.
    """
    found = files(folders)
    origin = folders[0] / f"{REFERENCE}.yaml"
    reference = _read(origin)
    texts = {
        language: reference if path == origin else _read(path)
        for language, path in found.items()
        if language in languages
    }
    problems = [f'the language "{language}" has no file' for language in languages if language not in found]
    for document in {path.file: path for path in (reference, *texts.values())}.values():
        _check(document, reference)
        problems.extend(document.sorted_problems())
    if problems:
        raise ConfigError(problems)
    return Wording(
        languages={name: Texts(language=name, texts=_texts(document.data)) for name, document in texts.items()},
        default=languages[0],
    )


def _read(path: Path) -> Document:
    return read_document(path, f"{path.parent.name}/{path.name}")


def _check(document: Document, reference: Document) -> None:
    if not isinstance(document.data, dict):
        document.report((), "must be a list of keys and texts")
        return
    known = _texts(reference.data)
    for key, text in document.data.items():
        loc: Loc = (key,)
        if key not in known:
            document.report(
                loc, f"there is no such text in {REFERENCE}.yaml{did_you_mean(key, tuple(known))}", key=True
            )
        elif not isinstance(text, str):
            document.report(loc, "must be text; put it in quotes if it looks like something else")
        else:
            _check_gaps(document, loc, text, known[key])
    for key in known:
        if key not in document.data:
            document.report((), f'the text "{key}" is missing')


def _check_gaps(document: Document, loc: Loc, text: str, reference: str) -> None:
    try:
        own = gaps(text)
        needed = gaps(reference)
    except ValueError as error:
        document.report(loc, f"its braces do not match ({error}); write {{{{ for a brace of the text")
        return
    odd = [name for _, name, form, kind in Formatter().parse(text) if name is not None and (form or kind or not name)]
    if odd:
        document.report(loc, "a gap is a name between braces, such as {number}, and nothing more")
    for gap in sorted(own - needed):
        document.report(loc, f"the gap {{{gap}}} is never filled{did_you_mean(gap, tuple(sorted(needed)))}")
    for gap in sorted(needed - own):
        document.report(loc, f"the gap {{{gap}}} of {REFERENCE}.yaml is missing")


def _texts(data: object) -> Mapping[str, str]:
    if not isinstance(data, dict):
        return {}
    return {key: text for key, text in data.items() if isinstance(text, str)}
