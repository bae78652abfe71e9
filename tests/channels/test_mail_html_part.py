"""The HTML part says what the text says, dressed: safe whatever is in it, readable on paper and in the dark."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.compose import compose
from channels.mail.html_part import html_part, quoted_text
from channels.mail.parse import parse
from rules.effects import Mail, PageLink, Quoted
from tests.builders import a_mail
from tests.stage import a_policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = Mailbox(name="support", address="support@example.com")
HISTORY = (Quoted(intro="On Mon 2 Mar 2026, 17:00 (UTC+8), Mei Lin wrote:", text="Hello,\n\nit burns."),)
WORDING = a_policy().wording


class Reader(HTMLParser):
    """What a mail program would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.setdefault(tag, dict(attrs))
        if tag not in ("br", "meta"):
            self.open.append(tag)
        if tag == "a":
            self.links.append((dict(attrs)["href"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.open and self.open[-1] == "a":
            self.links[-1] = (self.links[-1][0], data)


def shown(text: str = "Hello.", **fields: Any) -> Reader:
    return Reader(html_part(a_mail(text=text, language=fields.pop("language", "en"), **fields)))


def test_it_is_whole_and_fetches_nothing() -> None:
    page = shown("One.\n\nTwo.\nThree.\n\n-- \nAna\nDesk\n", quoted=HISTORY, reply_line="-- above --")
    assert page.open == []
    assert set(page.tags) <= {"html", "head", "meta", "title", "body", "div", "p", "br", "a", "blockquote"}
    assert page.tags.count("p") == 4
    assert not re.search(r"url\(|src=|@import|<style|<img", html_part(a_mail(text="x", language="en")))


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("zh-CN", "ltr"), ("ar", "rtl"), ("he-IL", "rtl")])
def test_it_says_its_language_and_direction(language: str, direction: str) -> None:
    page = shown(language=language)
    for tag in ("html", "div"):
        assert (page.attributes[tag]["lang"], page.attributes[tag]["dir"]) == (language, direction)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://a.test/x?y=1&z=2.", ["https://a.test/x?y=1&z=2"]),
        ("(http://a.test/b_(c))", ["http://a.test/b_(c)"]),
        ("见 https://a.test/b。谢谢", ["https://a.test/b"]),
        ("https://zh.test/wiki/中国", []),
        ("Ask ana@example.com.", ["mailto:ana@example.com"]),
        ("javascript:alert(1) file:///etc ftp://x data:text/html,x", []),
        ('https://a.test/"onmouseover="x', ["https://a.test/"]),
        ("https://a.test/<script>", ["https://a.test/"]),
        ("http://", []),
        ("x@y", []),
    ],
)
def test_only_what_surely_is_a_link_becomes_one(text: str, links: list[str]) -> None:
    page = shown(text)
    assert [target for target, _ in page.links] == links
    assert text in page.words


def test_a_link_to_our_page_is_dressed_as_a_button_and_still_a_link() -> None:
    page = PageLink(url="https://desk.test/r/1-survey-1-x", label="Answer <the> survey")
    seen = shown(f"Or use this page: {page.url}", page=page)
    assert seen.links == [(page.url, "Answer <the> survey")]
    assert "background-color" in html_part(a_mail(text=page.url, language="en", page=page))


def test_a_link_is_a_button_only_in_the_mail_whose_page_it_leads_to() -> None:
    """The same line stands in many mails."""
    here, there = (PageLink(url=f"https://a.test/{name}", label=name) for name in ("here", "there"))
    both = f"See {here.url} or {there.url}"
    seen = [shown(both, page=page).words for page in (here, there, here)]
    assert ["here" in words.split() for words in seen] == [True, False, True]
    assert ["there" in words.split() for words in seen] == [False, True, False]


PIECES = ("word", " ", "  ", "\n", "<b>", "&amp;", "ana@example.org", "https://a.test/x")


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_the_words_are_those_of_the_text_whatever_stands_in_it(text: str) -> None:
    assert shown(text, subject="").words.split() == text.split()


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</blockquote></div>", '"><img src=x>', "&amp;", "]]>"])
def test_whatever_somebody_wrote_is_only_words(evil: str) -> None:
    fields = {
        "subject": evil, "reply_line": evil, "quoted": (Quoted(intro=evil, text=evil),),
        "page": PageLink(url="https://a.test/", label=evil),
    }  # fmt: skip
    page = shown(f"{evil} https://a.test/\n\n-- \n{evil}", **fields)
    assert page.words.count(evil) == 7
    assert page.open == []


def test_a_quote_of_a_customer_gets_no_links_of_ours() -> None:
    quoted = (Quoted(intro="On … wrote:", text="go to https://evil.test"),)
    assert shown("Hello.", quoted=quoted).links == []


def sent(mail: Mail) -> bytes:
    return compose(mail, mailbox=SUPPORT, own=OwnAddresses((SUPPORT,)), now=NOW, files=lambda file: b"")


def test_a_customers_mail_has_both_parts_and_they_say_the_same() -> None:
    mail = a_mail(
        text="Hello Mei,\n\nit is out.\n\n-- \nAna\nDesk\n", language="en", quoted=HISTORY, reply_line="-- x --"
    )
    raw = sent(mail)
    assert raw.count(b"Content-Type: text/plain") == raw.count(b"Content-Type: text/html") == 1
    assert b"multipart/alternative" in raw
    text = " ".join(quoted_text(mail).replace(">", "").split())
    html = " ".join(Reader(html_part(mail)).words.split())
    assert html == f"{mail.subject} {text}".replace("-- Ana", "Ana")


def test_the_text_part_quotes_behind_angle_brackets() -> None:
    mail = a_mail(text="Out.\n", quoted=HISTORY, reply_line="-- x --")
    assert quoted_text(mail) == f"Out.\n\n-- x --\n\n{HISTORY[0].intro}\n> Hello,\n>\n> it burns.\n"


def test_a_mail_to_staff_stays_as_it_was_made() -> None:
    assert b"text/html" not in sent(a_mail(text="x"))
    assert html_part(a_mail(text="x", language="en")).encode() not in sent(a_mail(text="x", html="<p>y</p>"))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_line_above_which_to_answer_is_found_again_in_every_language(language: str) -> None:
    text = f"It burns again.\n\n{WORDING.of(language).say('reply_marker')}\n\nSomething said before.\n"
    read = parse(sent(a_mail(text=text)), received_at=NOW, channel="mail:support")
    assert read.reply_text.strip() == "It burns again."


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_of_our_own_mail_only_the_new_words_are_new(language: str) -> None:
    """What we quote is read as a quote when such a mail comes back to us."""
    texts = WORDING.of(language)
    intro = texts.say("quote_intro", at="2026-03-02 17:00", name="Mei Lin")
    mail = a_mail(
        text="The fire is out.\n",
        language=language,
        quoted=(Quoted(intro=intro, text="it burns."),),
        reply_line=texts.say("reply_marker"),
    )
    read = parse(sent(mail), received_at=NOW, channel="mail:support")
    assert read.reply_text.strip() == "The fire is out."
    assert "it burns." in read.quoted_text
