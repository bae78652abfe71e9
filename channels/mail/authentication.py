"""What our own mail server found out about the sender (SPF, DKIM, DMARC); what any other host claims is not read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from channels.mail.words import raw_text
from rules.message import MISMATCH, Address, Authentication

_MAX_VALUE = 10_000
_RESULT = re.compile(
    r"\s{0,20}([a-z][a-z0-9-]{0,40})\s{0,20}(?:/\s{0,20}\d{1,4}\s{0,20})?=\s{0,20}([a-z]{1,40})(?![a-z0-9.])"
)
_FROM_DOMAIN = re.compile(r"\bheader\s{0,20}\.\s{0,20}from\s{0,20}=\s{0,20}([^\s;\"]{1,320})")
_QUOTED = re.compile(r'"[^"]{0,1000}"')
_ANGLES = re.compile(r"@([^\s<>@\"]{1,255})>")
_SIGNS = re.compile(r"[()\";\\]|[^()\";\\]{1,2000}")


def read_authentication(
    values: Collection[bytes],
    trusted_hosts: Collection[str],
    senders: Collection[Address],
    written: Collection[bytes] | None = None,
) -> Authentication:
    """The topmost ``Authentication-Results`` of a host that is ours, as RFC 8601 §2.2 words it; else nothing.

    A host checks the address that stands in From. Where that need not be the one that people see, its word is a
    ``mismatch`` whatever it was: no address in From (another field names the sender), two domains in it, an address
    that only decoding brings to light in ``written`` (the From fields as they came), or another domain in the result.
    Never raises.
    """
    trusted = {host.strip().lower().rstrip(".") for host in trusted_hosts if host.strip()}
    if not trusted:
        return Authentication()
    for value in values:
        pieces = list(_pieces(raw_text(value[:_MAX_VALUE])))
        words = pieces[0].split() if pieces else []
        host = words[0].strip('"').rstrip(".") if words else ""
        # A version follows the host; the only one there is, is 1 (§2.2).
        if host in trusted and "=" not in host and words[1:] in ([], ["1"]):
            return _read(host, pieces[1:], _domains(senders, written))
    return Authentication()


def _read(host: str, pieces: list[str], domains: set[str]) -> Authentication:
    found: dict[str, str] = {}
    for piece in pieces:
        match = _RESULT.match(piece)
        if not match:
            continue
        method, result = match.groups()
        if method == "dmarc" and not _is_about(piece, domains):
            result = MISMATCH
        # One good signature of several is a signature (RFC 6376 §6.1); of other methods the first word counts.
        if method not in found or (method == "dkim" and result == "pass"):
            found[method] = result
    dmarc = found.get("dmarc", "") if len(domains) == 1 else MISMATCH
    return Authentication(host=host, spf=found.get("spf", ""), dkim=found.get("dkim", ""), dmarc=dmarc)


def _domains(senders: Collection[Address], written: Collection[bytes] | None) -> set[str]:
    """The domains of the addresses in From that stand there as they are, and of those in other angle brackets."""
    text = None if written is None else "\n".join(raw_text(value[:_MAX_VALUE]) for value in written).lower()
    plain = {address.domain for address in senders if text is None or address.email in text}
    angles = _ANGLES.findall(_QUOTED.sub("", text)) if text else []
    return {domain for domain in (*plain, *angles) if domain}


def _is_about(piece: str, domains: set[str]) -> bool:
    """Whether a result is about the one domain that people see, as far as it says."""
    match = _FROM_DOMAIN.search(piece)
    if not match or len(domains) != 1:
        return True
    checked, seen = (_in_ascii(name) for name in (match.group(1).rpartition("@")[2].strip("<>."), next(iter(domains))))
    return seen == checked or seen.endswith(f".{checked}")


def _in_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain


def _pieces(text: str) -> Iterator[str]:
    """The text at its semicolons, in lower case, without comments, which may be nested (RFC 5322 §3.2.2)."""
    depth, quoted, skipped = 0, False, False
    piece: list[str] = []
    for sign in _SIGNS.findall(text.lower()):
        escaped, skipped = skipped, False
        if sign == "\\":
            skipped = not escaped
        elif escaped:
            # An escaped sign neither opens nor closes anything.
            piece += [sign] if not depth else []
        elif quoted or (not depth and sign == '"'):
            quoted = quoted != (sign == '"')
            piece += [sign] if sign != ";" else []
        elif sign == "(":
            depth += 1
            piece += [" "]
        elif sign == ")":
            depth = max(0, depth - 1)
        elif sign == ";" and not depth:
            yield "".join(piece).strip()
            piece = []
        elif not depth:
            piece.append(sign)
    yield "".join(piece).strip()
