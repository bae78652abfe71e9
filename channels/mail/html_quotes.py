"""Where in an HTML mail its client put the quoted mail and the signature: containers by client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

_MOST_NODES = 200
_MAX_SIGNATURE = 1_500


class Region(IntEnum):
    """What HTML says about a line: nothing, a quote if its introduction stands above it, the introduction itself,
    quoted, a signature, or quoted from here to the end.
    """

    NONE = 0
    CANDIDATE = 1
    HEAD = 2
    QUOTE = 3
    SIGNATURE = 4
    TAIL = 5


class Span(NamedTuple):
    """A stretch of the text, in characters, and what HTML says about it."""

    start: int
    end: int
    region: Region


# A container of everything quoted, the introduction included. Text in it behind its first blockquote is an answer.
_CONTAINERS = (
    ".gmail_quote, .gmail_quote_container, .yahoo_quoted, .yahoo-quoted, [id^=yahoo_quoted], .protonmail_quote, "
    ".ntes-mailmaster-quote, #ntes-pcmail-quote, #isReplyContent, .isReplyContent, includetail, .zmail_extra, "
    "#blockquote_zmail, .tutanota_quote, .front-blockquote, .missive_quote, .freshdesk_quote, .nylas-quote, "
    "[name=messageReplySection], .bloop_original_html, .cm_quote, .hs_reply, .alimail-quote, .foxmail-quote, "
    "#OLK_SRC_BODY_SECTION, #edo-original, .edo-original, .email_quote, .sh-quoted, .zimbra-quote, "
    "[data-marker=__QUOTED_TEXT__], #AOLMsgPart_1, .aolmail_quote, #reply-quote, .quoted-mail, .mail-quote, "
    ".mailbird-quote, "
    ".superhuman-quote, .freebirdFormviewerViewHeaderHeader-quote, #quoted_body, .zohoquote, .reply-quote, "
    "#mail-editor-reference-message-container, .ms-outlook-mobile-reference-message, .mj-quote, .wemail-quote"
)
_CITED = (
    "blockquote[type=cite], blockquote[cite^='mid:'], blockquote.gmail_quote, blockquote.protonmail_quote, "
    "blockquote.iosymail"
)
_HEADS = ".moz-cite-prefix, .gmail_attr, #reply-intro, .reply-intro, .moz-email-headers-table, .tutanota-quote-head"
_TAILS = (
    "#divRplyFwdMsg, #appendonsend, .OutlookMessageHeader, #zwchr, [data-marker=__DIVIDER__], "
    "#mail-editor-reference-message, "
    "#stopSpelling, #origbody, .quotedHeader, #quoted_header, #orgmsg, #ms-outlook-mobile-body-separator-line"
)
_SIGNATURES = (
    ".gmail_signature, [data-smartmail=gmail_signature], .moz-signature, #Signature, #signature, "
    "#ms-outlook-mobile-signature, "
    ".ms-outlook-mobile-signature, #AppleMailSignature, [id^=AppleMailSignature], .protonmail_signature_block, "
    "[name=messageSignatureSection], .bloop_sign, #ymail_android_signature, #ymail_ios_signature, #yahoo-signature, "
    "#composer_signature, .tutanota_signature, [id*=Zm-_Id_-Sgn], .edo-signature, #edo-signature, .signature_editor, "
    "#ntes-pcmail-signature, .ntes-mailmaster-signature, .alimail-signature, .foxmail-signature, #_rc_sig, "
    ".mozsignature, "
    ".xm_write_script, .qqmail_signature, xmsignature, .email-signature, .sh-signature, .signature-container"
)
_TOP_BORDER = re.compile(
    r"border-top\s*:\s*(?:#?[\w(), .]{1,40}\s)?solid|border-top-style\s*:\s*solid"
    r"|border-style\s*:\s*solid none none",
    re.IGNORECASE,
)
_OUTLOOK_RULE = re.compile(r"#(?:E1E1E1|B5C4DF)|rgb\(225, ?225, ?225\)|rgb\(181, ?196, ?223\)", re.IGNORECASE)
_HEADED = re.compile(r"[^\W\d_][^:：<>\n]{0,24}[:：]")
_MARKS = "\ue0f0\ue0f1\ue0f2\ue0f3\ue0f4\ue0f5\ue0f6\ue0f7\ue0f8\ue0f9\ue0fa"
MARKED = re.compile(f"[{_MARKS}]")
_SPLIT = re.compile(f"([{_MARKS}])")


def _marks(region: Region) -> tuple[str, str]:
    index = list(Region).index(region) - 1
    return _MARKS[index * 2], _MARKS[index * 2 + 1]


def mark(tree: LexborHTMLParser) -> bool:
    """Put private marks round what mail clients declare as quoted, so that it is found again in the text."""
    chosen: dict[int, Region] = {}
    _choose_containers(tree, chosen)
    _choose(tree.css(_CITED), Region.QUOTE, chosen)
    _choose(tree.css(_HEADS), Region.HEAD, chosen)
    tail = _tail(tree)
    signatures = [node for node in tree.css(_SIGNATURES)[:20] if _is_short(node)]
    _choose(signatures, Region.SIGNATURE, chosen)
    _choose(tree.css("blockquote"), Region.CANDIDATE, chosen)
    if tail is not None and not _inside(tail, chosen):
        tail.insert_before(_marks(Region.TAIL)[0])
    return bool(chosen) or tail is not None


def _choose(nodes: Iterable[LexborNode], region: Region, chosen: dict[int, Region]) -> None:
    """Mark the nodes that are not within one marked before."""
    for count, node in enumerate(nodes):
        if count >= _MOST_NODES:
            return
        if node.mem_id in chosen or _inside(node, chosen):
            continue
        chosen[node.mem_id] = region
        opening, closing = _marks(region)
        node.insert_before(opening)
        node.insert_after(closing)


def _inside(node: LexborNode, chosen: dict[int, Region]) -> bool:
    above = node.parent
    for _ in range(60):
        if above is None:
            return False
        if above.mem_id in chosen:
            return True
        above = above.parent
    return False


def _choose_containers(tree: LexborHTMLParser, chosen: dict[int, Region]) -> None:
    """Mark containers; of one that holds blockquotes these alone, and as the introduction what stands above them."""
    for node in tree.css(_CONTAINERS)[:_MOST_NODES]:
        if node.mem_id in chosen or _inside(node, chosen):
            continue
        quotes = [] if node.tag == "blockquote" else node.css("blockquote")[:_MOST_NODES]
        outer = [inner for inner in quotes if not _has_quote_above(inner, node)]
        if not outer:
            _choose([node], Region.QUOTE, chosen)
            continue
        opening, closing = _marks(Region.HEAD)
        node.insert_before(opening)
        outer[0].insert_before(closing)
        _choose(outer, Region.QUOTE, chosen)


def _has_quote_above(node: LexborNode, limit: LexborNode) -> bool:
    above = node.parent
    for _ in range(60):
        if above is None or above.mem_id == limit.mem_id:
            return False
        if above.tag == "blockquote":
            return True
        above = above.parent
    return False


def _tail(tree: LexborHTMLParser) -> LexborNode | None:
    """What Outlook and its kin put above everything quoted: the first such element."""
    node = tree.css_first(_TAILS)
    if node is not None:
        return node
    for ruled in tree.css("div[style*=border], table[style*=border]")[:_MOST_NODES]:
        style = ruled.attributes.get("style") or ""
        if _TOP_BORDER.search(style) and "border-left:solid" not in style.replace(" ", "").lower():
            labels = len(_HEADED.findall(ruled.text(deep=True, separator=" ")[:400]))
            if labels >= 3 or (labels and _OUTLOOK_RULE.search(style)):
                return ruled
    return None


def _is_short(node: LexborNode) -> bool:
    """Whether an element declared a signature can be one; some clients let people type their mail inside it."""
    if len(node.text(deep=True)) > _MAX_SIGNATURE or node.css_matches(_CONTAINERS):
        return False
    return node.css_first(_CITED) is None and node.css_first(_TAILS) is None


def read_marks(text: str) -> tuple[str, tuple[Span, ...]]:
    """The text without the marks, and the spans they stood round. Quoted words begin and end a line."""
    out: list[str] = []
    spans: list[Span] = []
    opened: dict[Region, list[int]] = {region: [] for region in Region}
    place = 0
    fresh = True
    for piece in _SPLIT.split(text):
        if piece in _OPENING_REGIONS or piece in _CLOSING_REGIONS:
            if not fresh:
                out.append("\n")
                place += 1
                fresh = True
            if piece in _OPENING_REGIONS:
                opened[_OPENING_REGIONS[piece]].append(place)
            elif opened[_CLOSING_REGIONS[piece]]:
                region = _CLOSING_REGIONS[piece]
                spans.append(Span(opened[region].pop(), place, region))
        elif piece:
            if fresh:
                piece = piece.lstrip(" ") if piece.strip(" ") else ""
            out.append(piece)
            place += len(piece)
            fresh = fresh if not piece else not piece.rpartition("\n")[2].strip()
    spans += [
        Span(start, place + 1, region) for region, starts in opened.items() for start in starts if region is Region.TAIL
    ]
    joined = "".join(out)
    lead = len(joined) - len(joined.lstrip())
    moved = (Span(max(start - lead, 0), end - lead, region) for start, end, region in spans)
    return joined.strip(), tuple(sorted(span for span in moved if span.end > span.start))


_OPENING_REGIONS = {_marks(region)[0]: region for region in Region if region}
_CLOSING_REGIONS = {_marks(region)[1]: region for region in Region if region}
