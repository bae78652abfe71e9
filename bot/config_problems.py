"""Turns what pydantic finds into sentences for the owner of the configuration, each at its line and column."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config_document import Document, Loc
from bot.config_types import did_you_mean

_KINDS = {
    "string_type": "text; put it in quotes if it looks like something else",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a section with keys",
    "model_type": "a section with keys",
    "model_attributes_type": "a section with keys",
}


def report_invalid(document: Document, model: type[BaseModel], error: ValidationError) -> None:
    """Add every problem pydantic found to the document's."""
    for detail in error.errors(include_url=False, include_context=True):
        loc: Loc = tuple(part for part in detail["loc"] if part != "[key]")
        loc = tuple(loc[: _depth(document, loc) + 1])
        at_key = detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]
        document.report(loc, _sentence(detail, model, loc), key=at_key)


def _depth(document: Document, loc: Loc) -> int:
    """How far ``loc`` leads into the file; what pydantic adds after that (union members) is not for people."""
    depth = 0
    while depth < len(loc) and loc[: depth + 1] in document.values:
        depth += 1
    return depth


def _sentence(detail: ErrorDetails, model: type[BaseModel], loc: Loc) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"there is no such key{did_you_mean(str(loc[-1]), tuple(keys_at(model, loc[:-1])))}"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind == "literal_error":
        choices = tuple(part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(","))
        return f"{_shown(given)} is not one of {', '.join(choices)}{_close(given, choices)}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_shown(given)}"
    if kind == "too_short":
        return "must not be empty"
    return f"{_shown(given)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _close(given: object, choices: tuple[str, ...]) -> str:
    hint = did_you_mean(given, choices) if isinstance(given, str) else ""
    return hint if "mean" in hint else ""


def _shown(given: object) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, dict | list):
        return "a list" if isinstance(given, list) else "a section with keys"
    return f'"{given}"' if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)


def keys_at(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys that may stand at a place of the configuration."""
    held: list[object] = [model]
    for part in loc:
        held = [inner for outer in held for inner in _inside(outer, part)]
    return {name for one in held if isinstance(one, type) and issubclass(one, BaseModel) for name in one.model_fields}


def _inside(outer: object, part: str | int) -> Iterator[object]:
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        field = outer.model_fields.get(str(part))
        if field is not None:
            yield from unwrapped(field.annotation)
        return
    origin, args = typing.get_origin(outer), typing.get_args(outer)
    if origin in (list, dict):
        yield from unwrapped(args[-1])


def unwrapped(annotation: object) -> Iterator[object]:
    """The types an annotation allows, without Annotated, Optional and unions around them."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from unwrapped(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for one in typing.get_args(annotation):
            yield from unwrapped(one)
    else:
        yield annotation
