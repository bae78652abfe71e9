"""Addresses in logs, recognisable to those who know them and useless to others (R-DA-5)."""

from __future__ import annotations


def masked(email: str) -> str:
    """``alice@example.com`` as ``a***@example.com``; anything that is no address as ``***``."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else "***"
