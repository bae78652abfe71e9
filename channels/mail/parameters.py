"""Content-Type and Content-Disposition: the value and its parameters, RFC 2231 and the broken forms too."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from channels.mail.charsets import codec_of, decode
from channels.mail.words import header_text

Parameters = dict[str, str]

_PARAMETER = re.compile(r""";\s*([^\s=;"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)""", re.DOTALL)
_PIECE = re.compile(r"([^*]{1,80})\*(\d{1,3})?(\*)?$")
_LOST_SEMICOLON = re.compile(
    rb"(?<![\s,])[\s,]{1,99}(?=(?:file)?name[*0-9]{0,3}\s?=|boundary\s?=|charset\s?=)", re.IGNORECASE
)
_FOLD = re.compile(r"\r?\n[ \t]{1,99}")
_ESCAPED = re.compile(r'\\(["\\])')
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){2}")
_TYPE = re.compile(r"\s{0,99}([\w.+-]{1,100})\s{0,9}/\s{0,9}([\w.+-]{1,100})")
_MAX_VALUE = 4_096


def content_type(value: bytes, default: str) -> tuple[str, Parameters]:
    """The media type in lower case and its parameters; the default where it cannot be read (RFC 2045 §5.2)."""
    if not value:
        return default, {}
    kind, params = _read(value[:_MAX_VALUE])
    match = _TYPE.match(kind)
    if match:
        return f"{match.group(1)}/{match.group(2)}".lower(), dict(params)
    # Old software writes "text" alone, or forgets the type before its parameters.
    return default if kind.strip().lower() in ("", "text") or "=" in kind else "application/octet-stream", dict(params)


def disposition(value: bytes) -> tuple[str, Parameters]:
    """``attachment``, ``inline`` or nothing, and the parameters (RFC 2183)."""
    if not value:
        return "", {}
    kind, params = _read(value[:_MAX_VALUE])
    return kind.strip().lower(), dict(params)


def _read(value: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    if b";" not in value and b"=" in value:
        value = _LOST_SEMICOLON.sub(b"; ", value, count=3)
    # Where a charset may have to be guessed, the answer depends on the mail around it and must not be kept.
    plain = value.isascii() and b"=?" not in value and b"%" not in value
    return _read_cached(value) if plain else _read_uncached(value)


def _read_uncached(value: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    text, _ = decode(value)
    kind, semicolon, rest = text.partition(";")
    params = _merged(_PARAMETER.findall(semicolon + rest)) if semicolon else {}
    return kind, tuple(params.items())


_read_cached = lru_cache(maxsize=256)(_read_uncached)


def _merged(pairs: list[tuple[str, str]]) -> Parameters:
    plain: Parameters = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in pairs:
        key, value = name.lower(), _unquoted(value)
        match = _PIECE.match(key)
        if match:
            index = int(match.group(2) or 0)
            pieces.setdefault(match.group(1), {})[index] = (value, bool(match.group(3)) or not match.group(2))
        elif key not in plain:
            plain[key] = value if key == "boundary" else _plain_value(key, value)
    # The extended form is the better one where both are given (RFC 2231, RFC 6266 §4.3).
    return plain | {name: _joined(parts) for name, parts in pieces.items()}


def _plain_value(key: str, value: str) -> str:
    """A parameter's text; a file name that is percent-encoded UTF-8 is decoded, as web software writes it."""
    if key in ("filename", "name") and _PERCENT.search(value) and " " not in value:
        try:
            return unquote_to_bytes(value).decode("utf-8") if value.isascii() else value
        except UnicodeDecodeError:
            return value
    return header_text(value)


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    charset, data = "", b""
    for index in sorted(parts):
        value, encoded = parts[index]
        if encoded and index == min(parts) and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        elif encoded and index == min(parts) and "'" in value and codec_of(value.partition("'")[0]):
            charset, _, value = value.partition("'")
        data += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
    return header_text(decode(data, charset)[0])


def _unquoted(value: str) -> str:
    value = _FOLD.sub(" ", value.strip()) if "\n" in value else value.strip()
    if len(value) > 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if not value.startswith('"'):
        return value
    value = value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:]
    # Any other backslash is a Windows path that nobody escaped.
    return _ESCAPED.sub(r"\1", value) if "\\" in value else value
