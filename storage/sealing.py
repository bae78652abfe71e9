"""Files that only their owner can read: AES-256-GCM in pieces, under a key from a passphrase (scrypt, RFC 7914).

A sealed file begins with a mark and the salt of its key. Each piece is authenticated with its number and whether it is
the last (RFC 5116), so that none can be changed, moved, left out or added without being noticed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from rules.errors import CorruptStoreError

MARK = b"DESKBELL SEALED 1\n"
SALT_LENGTH = 16
PIECE = 1 << 20
"""Bytes that are sealed at once."""

_NONCE_LENGTH, _TAG_LENGTH, _COUNT_LENGTH = 12, 16, 4
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 1 << 15, 8, 1


class Seal:
    """Seals and opens streams of bytes with one secret."""

    def __init__(self, secret: bytes, salt: bytes | None = None) -> None:
        """``salt`` is that of files sealed before, so that the key is theirs; a fresh one when there are none."""
        if not secret:
            raise ValueError("an empty secret seals nothing")
        self._secret = secret
        self.salt = salt or os.urandom(SALT_LENGTH)
        self._keys: dict[bytes, AESGCM] = {}

    def sealed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of a sealed file."""
        key, prefix = self._key(self.salt), os.urandom(_NONCE_LENGTH - _COUNT_LENGTH)
        yield MARK + self.salt + prefix
        for count, (piece, last) in enumerate(_with_last(_pieces(chunks))):
            nonce = prefix + count.to_bytes(_COUNT_LENGTH, "big")
            yield key.encrypt(nonce, piece, b"last" if last else b"more")

    def opened(self, file: BinaryIO, where: str) -> Iterator[bytes]:
        """What was sealed. Raises CorruptStoreError when the secret is another one or anything was changed."""
        head = file.read(len(MARK) + SALT_LENGTH + _NONCE_LENGTH - _COUNT_LENGTH)
        if not head.startswith(MARK):
            raise CorruptStoreError(f"{where} is not a sealed file of this version of Deskbell")
        salt, prefix = head[len(MARK) :][:SALT_LENGTH], head[len(MARK) + SALT_LENGTH :]
        key, count = self._key(salt), 0
        for piece, last in _with_last(iter(lambda: file.read(PIECE + _TAG_LENGTH), b"")):
            nonce = prefix + count.to_bytes(_COUNT_LENGTH, "big")
            try:
                yield key.decrypt(nonce, piece, b"last" if last else b"more")
            except InvalidTag:
                why = "the key is not the one it was sealed with, or it was damaged" if not count else "it was damaged"
                raise CorruptStoreError(f"{where} cannot be opened: {why}") from None
            count += 1
        if not count:
            raise CorruptStoreError(f"{where} cannot be opened: it ends early")

    def _key(self, salt: bytes) -> AESGCM:
        made = self._keys.get(salt)
        if made is None:
            derived = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(self._secret)
            made = self._keys[salt] = AESGCM(derived)
        return made


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size; one empty piece where there is nothing."""
    held, some = b"", False
    for chunk in chunks:
        held += chunk
        while len(held) >= PIECE:
            yield held[:PIECE]
            held, some = held[PIECE:], True
    if held or not some:
        yield held


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last."""
    before: bytes | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True
