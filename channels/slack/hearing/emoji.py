"""The emoji that staff type most in Slack, by short name: a customer's mail shows the picture, not the name."""

from __future__ import annotations

import re

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "100": "💯",
    "alarm_clock": "⏰",
    "apple": "🍎",
    "arrow_right": "➡️",
    "birthday": "🎂",
    "blue_heart": "💙",
    "blush": "😊",
    "books": "📚",
    "bouquet": "💐",
    "bow": "🙇",
    "bug": "🐛",
    "bulb": "💡",
    "calendar": "📆",
    "clap": "👏",
    "closed_lock_with_key": "🔐",
    "coffee": "☕",
    "computer": "💻",
    "confused": "😕",
    "cry": "😢",
    "email": "✉️",
    "exclamation": "❗",
    "eyes": "👀",
    "fire": "🔥",
    "gear": "⚙️",
    "gift": "🎁",
    "green_heart": "💚",
    "grin": "😁",
    "grinning": "😀",
    "handshake": "🤝",
    "heart": "❤️",
    "heavy_check_mark": "✔️",
    "hourglass_flowing_sand": "⏳",
    "hugging_face": "🤗",
    "information_source": "ℹ️",
    "innocent": "😇",
    "joy": "😂",
    "key": "🔑",
    "laughing": "😆",
    "link": "🔗",
    "lock": "🔒",
    "lock_with_ink_pen": "🔏",
    "mag": "🔍",
    "memo": "📝",
    "muscle": "💪",
    "no_entry": "⛔",
    "ok": "🆗",
    "ok_hand": "👌",
    "package": "📦",
    "paperclip": "📎",
    "party_popper": "🎉",
    "pencil2": "✏️",
    "phone": "☎️",
    "point_down": "👇",
    "point_right": "👉",
    "point_up": "☝️",
    "pray": "🙏",
    "printer": "🖨️",
    "pushpin": "📌",
    "question": "❓",
    "raised_hands": "🙌",
    "relaxed": "☺️",
    "relieved": "😌",
    "robot_face": "🤖",
    "rocket": "🚀",
    "rose": "🌹",
    "simple_smile": "🙂",
    "slightly_frowning_face": "🙁",
    "slightly_smiling_face": "🙂",
    "smile": "😄",
    "smiley": "😃",
    "smiling_face_with_3_hearts": "🥰",
    "snowflake": "❄️",
    "sob": "😭",
    "sparkles": "✨",
    "speech_balloon": "💬",
    "star": "⭐",
    "sun_with_face": "🌞",
    "sunglasses": "😎",
    "sunny": "☀️",
    "sweat_smile": "😅",
    "tada": "🎉",
    "telephone_receiver": "📞",
    "thinking_face": "🤔",
    "thumbsdown": "👎",
    "thumbsup": "👍",
    "ticket": "🎫",
    "tools": "🛠️",
    "unlock": "🔓",
    "upside_down_face": "🙃",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "wink": "😉",
    "wrench": "🔧",
    "x": "❌",
    "zap": "⚡",
}

SKIN_TONES = {f"skin-tone-{number}": chr(0x1F3FB + number - 2) for number in range(2, 7)}

_SHORT_NAME = re.compile(r"(?<![A-Za-z0-9]):([a-z0-9_+'-]+):(?::(skin-tone-[2-6]):)?")


def with_pictures(text: str) -> str:
    """The text with known short names turned into emoji; names that are not known stay as they were typed."""

    def picture(found: re.Match[str]) -> str:
        known = EMOJI.get(found.group(1))
        if known is None:
            return found.group(0)
        return known + SKIN_TONES.get(found.group(2) or "", "")

    return _SHORT_NAME.sub(picture, text)
