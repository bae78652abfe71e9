"""New text and quoted text: what was written now stands alone, answers between the lines stay, nothing is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.html_quotes import Region, Span
from channels.mail.reply import split_reply
from tests.channels.reply_attributions import ATTRIBUTIONS, WRAPPED
from tests.channels.reply_cases import BLOCKS, FORWARDS, TAGS
from tests.channels.reply_clients import BELOW
from tests.channels.reply_rare import RARE_ATTRIBUTIONS, RARE_BLOCKS
from tests.channels.reply_texts import KEPT, OWN_WORDS, REPLIES

NEW = "It is still broken.\n\nAna"


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, 2 Mar 2026 at 10:00, Support <support@example.com> wrote:\n> Hello\n> we are on it",
        "On Mon, 2 Mar 2026 at 10:00, Acme Customer Support Team of the North\n<support@example.com> wrote:\n\n> Hello",
        "On Mar 2, 2026, at 10:00 AM, Support wrote:\n\nHello without marks",
        "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Support <support@example.com>:\n> Hallo",
        "Am 02.03.2026 um 10:00 schrieb Support:\n> Hallo",
        "Le lun. 2 mars 2026 à 10:00, Support <support@example.com> a écrit :\n> Bonjour",
        "El lun, 2 mar 2026 a las 10:00, Support (<support@example.com>) escribió:\n> Hola",
        "Em seg., 2 de mar. de 2026 às 10:00, Support <support@example.com> escreveu:\n> Olá",
        "Il giorno lun 2 mar 2026 alle ore 10:00 Support <support@example.com> ha scritto:\n> Ciao",
        "Op ma 2 mrt 2026 om 10:00 schreef Support <support@example.com>:\n> Hallo",
        "Den mån 2 mars 2026 kl 10:00 skrev Support <support@example.com>:\n> Hej",
        "pon., 2 mar 2026 o 10:00 Support <support@example.com> napisał(a):\n> Cześć",
        "пн, 2 мар. 2026 г. в 10:00, Support <support@example.com>:\n> Привет",
        "2 марта 2026 г., 10:00, Support <support@example.com> написал:\n> Привет",
        "2026年3月2日(月) 10:00 Support <support@example.com> のメール:\n> こんにちは",
        "Support <support@example.com> 于2026年3月2日周一 10:00写道：\n> 您好",
        "于 2026年3月2日 上午10:00，Support 写道：\n> 您好",
        '在 2026-03-02 10:00:00，"Support" <support@example.com> 写道：\n您好，已收到',
        "> 在 2026年3月2日，10:00，Support <support@example.com> 写道：\n> 您好",
        "2026년 3월 2일 (월) 오전 10:00, Support <support@example.com>님이 작성:\n> 안녕하세요",
        "-----Original Message-----\nFrom: Support <s@example.com>\nSent: Monday\nTo: Ana\nSubject: Printer\n\nHello",
        "-----Ursprüngliche Nachricht-----\nVon: Support\nGesendet: Montag\nAn: Ana\nBetreff: Drucker\n\nHallo",
        "________________________________\nFrom: Support <s@example.com>\nSent: Monday\nTo: Ana\nSubject: x\n\nHi",
        "From: Support <support@example.com>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Ana\nSubject: Printer\n\nHello",
        "*From:* Support <support@example.com>\n*Date:* Monday\n*To:* Ana\n*Subject:* Printer\n\nHello",
        "Von: Support\nGesendet: Montag, 2. März 2026 10:00\nAn: Ana\nBetreff: Drucker\n\nHallo",
        "De : Support\nEnvoyé : lundi 2 mars 2026 10:00\nÀ : Ana\nObjet : Imprimante\n\nBonjour",
        "发件人: Support <support@example.com>\n发送时间: 2026年3月2日 10:00\n收件人: Ana\n主题: 打印机\n\n您好",
        "发件人：Support\n发送时间：2026年3月2日 10:00\n收件人：Ana\n主题：打印机\n\n您好",
        "寄件者: Support\n寄件日期: 2026年3月2日\n收件者: Ana\n主旨: 印表機\n\n您好",
        '------------------ 原始邮件 ------------------\n发件人: "Support";\n发送时间: 2026年3月2日\n\n您好',
        "------------------&nbsp;原始邮件&nbsp;------------------\n发件人: Support\n发送时间: 今天\n收件人: Ana\n您好",
        "---- 回复的原邮件 ----\n| 发件人 | Support |\n| 日期 | 2026年3月2日 |\n您好",
        "-- reply above this line --\nHello",
        "## 请在此线以上回复 ##\n您好",
        "-- 请在此线以上回复 / reply above this line --\n您好",
        "> Hello\n> we are on it",
    ],
)
def test_the_quoted_mail_is_told_from_the_new_text(quote: str) -> None:
    split = split_reply(f"{NEW}\n\n{quote}")
    assert split.reply_text == NEW
    assert split.quoted_text == quote.strip()


@pytest.mark.parametrize(
    "text",
    [
        "On Monday my colleague wrote: the printer is broken.\nPlease help.",
        "He wrote:\nthe printer is broken",
        "On 3 occasions your colleague wrote:\nit is fixed. It is not.",
        "Bob wrote 17 mails and he wrote:\nnothing new",
        "From: now on we have no printer.\nTo: be honest, it is urgent.",
        'On the screen it says "error 17" and wrote:\n\nWhat is that?',
        "主题：打印机坏了\n请处理",
        "The original message was lost.",
        "a > b and b > c",
        "Reply above this line is what your mail says. Why?",
        "",
        "   \n",
    ],
)
def test_a_sentence_that_merely_mentions_it_is_no_marker(text: str) -> None:
    assert split_reply(text) == (text, "")


def test_the_words_right_above_the_mark_stay_in_the_reply() -> None:
    split = split_reply(
        "It is broken.\nOn Mon, 2 Mar 2026 at 10:00, Acme Support of the far North\n<s@x.org> wrote:\n> Hi"
    )
    assert split.reply_text == "It is broken."


@pytest.mark.parametrize(
    "own", ["-=Ana=- I use version 115.7.0 on Windows 10.", "Version 115.6.0 on system 22.04.3 LTS"]
)
def test_a_last_line_with_dashes_or_numbers_is_no_part_of_the_quote_below(own: str) -> None:
    assert split_reply(f"It is broken.\n{own}\n\n{BLOCKS[0]}\n\nHello").reply_text == f"It is broken.\n{own}"
    dated = "Support <s@example.com> hat am 02.03.2026 10:00 CET geschrieben:"
    assert split_reply(f"It is broken.\n{own}\n{dated}\n{QUOTED}").reply_text == f"It is broken.\n{own}"
    assert split_reply(f"{QUOTED}\n\n{own}\n\n{QUOTED}\n\nAna").reply_text.count(own) == 1


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, Mar 2, 2026 at 10:00 AM Acme Support <s@e.com> wrote: Hello Ana, we are on it.",
        "On Mon, Mar 2, 2026 at 10:00 AM Acme Support <s@e.com> wrote:",
        "From: Support <s@e.com> Sent: Monday, March 2, 2026 10:00 AM To: Ana <a@b.c> Subject: Printer Hello Ana",
        "Am 02.03.2026 um 10:00 schrieb Support <s@e.com>: Hallo Ana, wir sind dran.",
        "在 2026年3月2日 10:00，Support <s@e.com> 写道： 您好，已收到",
    ],
)
def test_a_quote_that_begins_in_the_line_of_the_reply_is_told_from_it(quote: str) -> None:
    assert split_reply(f"It works now, thanks. {quote}") == ("It works now, thanks.", quote)


def test_answers_between_the_quoted_lines_are_kept_with_everything() -> None:
    text = "On Mon, 2 Mar 2026, Support wrote:\n> Which floor?\nThe second.\n> Which model?\nLX-300."
    assert split_reply(text) == (text, "")


def test_the_rest_of_a_quoted_link_is_no_answer() -> None:
    quote = (
        "On Mon, 2 Mar 2026 at 10:00, Ana <ana@example.org> wrote:\n\n> It is here (http://desk.test/a\n_b=3)\n> Ana"
    )
    assert split_reply(f"Thanks\n\n{quote}") == ("Thanks", quote)


def test_an_answer_below_the_quote_is_kept() -> None:
    split = split_reply("On Mon, 2 Mar 2026, Support wrote:\n> Which floor?\n> Which model?\n\nThe second, an LX-300.")
    assert split.reply_text == "The second, an LX-300."
    assert split.quoted_text == "On Mon, 2 Mar 2026, Support wrote:\n> Which floor?\n> Which model?"


def test_when_nothing_new_would_be_left_all_of_it_is_the_reply() -> None:
    text = "-----Original Message-----\nFrom: a\nTo: b\nSubject: c\n\nHello"
    assert split_reply(text) == (text, "")


@pytest.mark.parametrize(
    "mark",
    [
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "---------- 转发的邮件 ----------",
        "-------- Weitergeleitete Nachricht --------",
    ],
)
def test_a_forward_is_not_a_reply(mark: str) -> None:
    text = f"See below.\n\n{mark}\nFrom: Bo <bo@example.org>\nDate: Monday\nSubject: x\nTo: Ana\n\nHelp!"
    assert split_reply(text) == (text, "")


def test_what_the_html_client_marked_as_quoted_is_the_quote() -> None:
    text = "It is still broken.\n\nSupport, yesterday\nHello, we are on it."
    quoted = Span(text.index("Support,"), len(text), Region.QUOTE)
    assert split_reply(text, [quoted]) == (
        "It is still broken.",
        "Support, yesterday\nHello, we are on it.",
    )


LINES = st.lists(
    st.sampled_from(
        [
            "Hello",
            "> quoted",
            ">> twice",
            "",
            "On Mon, 2 Mar 2026, Support <s@example.com> wrote:",
            "-----Original Message-----",
            "From: Support",
            "Sent: Monday",
            "To: Ana",
            "Subject: x",
            "发件人：Support",
            "原始邮件",
            "________________",
            "-- reply above this line --",
            "Begin forwarded message:",
            "写道：",
        ]
    )
    | st.text(max_size=30),
    max_size=25,
)


SPANS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.sampled_from(list(Region)[1:])), max_size=4)


@given(lines=LINES, marked=SPANS)
@settings(max_examples=300, deadline=None)
def test_reply_and_quote_cover_every_word(lines: list[str], marked: list[tuple[int, int, Region]]) -> None:
    text = "\n".join(lines)
    split = split_reply(text, [Span(min(first, last), max(first, last), region) for first, last, region in marked])
    assert sorted(text.split()) == sorted(split.reply_text.split() + split.quoted_text.split())
    assert bool(text.strip()) == bool(split.reply_text.strip())


QUOTED = "> Hello\n> we are on it"


def same_words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("attribution", [*ATTRIBUTIONS, *WRAPPED, *RARE_ATTRIBUTIONS])
def test_the_line_that_says_who_wrote_belongs_to_the_quote(attribution: str) -> None:
    below = split_reply(f"{NEW}\n\n{attribution}\n\n{QUOTED}")
    assert below.reply_text == NEW
    assert same_words(below.quoted_text) == same_words(f"{attribution} {QUOTED}")
    assert split_reply(f"{NEW}\n\n{attribution}\n\nHello\nwe are on it").reply_text == NEW
    assert split_reply(f"{attribution}\n{QUOTED}\n\n{NEW}").reply_text == NEW


@pytest.mark.parametrize("block", [*BLOCKS, *RARE_BLOCKS])
def test_a_header_block_or_title_belongs_to_the_quote(block: str) -> None:
    assert split_reply(f"{NEW}\n\n{block}\n\nHello\nwe are on it").reply_text == NEW
    assert split_reply(f"{NEW}\n{block}\n{QUOTED}").reply_text == NEW
    assert split_reply(f"{NEW}\r\n\r\n{block}\n\nHello".replace("\r", "")).reply_text == NEW


@pytest.mark.parametrize("tag", TAGS)
def test_what_a_device_adds_is_no_new_text(tag: str) -> None:
    assert split_reply(f"{NEW}\n\n{tag}") == (NEW, tag)
    assert split_reply(f"{NEW}\n{tag}").reply_text == NEW
    assert split_reply(f"{NEW}\n\n{tag}\n\n{ATTRIBUTIONS[0]}\n{QUOTED}").reply_text == NEW


@pytest.mark.parametrize("title", FORWARDS)
def test_a_forward_in_any_language_is_not_a_reply(title: str) -> None:
    mail = f"{title}\nFrom: Bo <bo@example.org>\nDate: Monday\nSubject: x\nTo: Ana\n\nHelp!"
    assert split_reply(mail) == (mail, "")
    assert split_reply(f"See below.\n\n{mail}") == (f"See below.\n\n{mail}", "")


@pytest.mark.parametrize(("about", "mail", "new"), REPLIES)
def test_what_is_new_in_a_reply_is_told(about: str, mail: str, new: str) -> None:
    assert same_words(split_reply(mail).reply_text) == same_words(new), about


@pytest.mark.parametrize(("program", "below"), BELOW)
def test_what_further_programs_put_below_is_no_new_text(program: str, below: str) -> None:
    split = split_reply(f"{NEW}\n\n{below}")
    assert split.reply_text == NEW, program
    assert same_words(split.quoted_text) == same_words(below)


@pytest.mark.parametrize(("about", "mail", "kept", "quoted"), KEPT)
def test_answers_are_kept(about: str, mail: str, kept: tuple[str, ...], quoted: tuple[str, ...]) -> None:
    split = split_reply(mail)
    assert [words for words in kept if words not in split.reply_text] == [], about
    assert [words for words in quoted if words not in split.quoted_text] == [], about


@pytest.mark.parametrize("text", OWN_WORDS)
def test_somebodys_own_words_are_never_taken_for_a_quote(text: str) -> None:
    assert split_reply(text).quoted_text == ""
    assert same_words(split_reply(f"{text}\n\n{ATTRIBUTIONS[0]}\n{QUOTED}").reply_text) == same_words(text)


PIECES = (
    *ATTRIBUTIONS,
    *WRAPPED,
    *BLOCKS,
    *TAGS,
    *FORWARDS,
    *OWN_WORDS,
    QUOTED,
    "-- \nAna\nACME",
    "",
    "--",
    "__",
    "-Ana",
)
SENTENCES = (
    "The printer is broken again.",
    "请尽快回复，谢谢。",
    "Könnten Sie bitte morgen kommen?",
    "1. open the lid 2. close it",
    "Thanks, Ana",
    "Call me on 030 1234567 at 10:00.",
    "昨日から動きません。",
    "Почему так долго?",
    "I wrote to you on Monday and nobody answered!",
)


@given(
    pieces=st.lists(st.sampled_from(PIECES) | st.sampled_from(SENTENCES), max_size=12),
    joint=st.sampled_from(["\n", "\n\n"]),
)
@settings(max_examples=300, deadline=None)
def test_nothing_is_deleted_from_any_composed_mail(pieces: list[str], joint: str) -> None:
    text = joint.join(pieces)
    split = split_reply(text)
    assert sorted(text.split()) == sorted(split.reply_text.split() + split.quoted_text.split())


@given(
    new=st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5),
    answers=st.lists(st.sampled_from(SENTENCES), min_size=0, max_size=4),
    introduced=st.sampled_from(ATTRIBUTIONS),
    tag=st.sampled_from(["", *TAGS]),
    block=st.sampled_from(["", *BLOCKS]),
)
@settings(max_examples=300, deadline=None)
def test_every_new_sentence_is_found_in_the_reply(
    new: list[str], answers: list[str], introduced: str, tag: str, block: str
) -> None:
    """Whatever is quoted above, between or below, what was written now stays (complaint 43)."""
    between = "\n\n".join(f"> Question {number}?\n\n{answer}" for number, answer in enumerate(answers))
    trailer = f"\n\n{block}\n\nold words" if block else ""
    mail = "\n".join(new) + f"\n\n{introduced}\n> Hello\n{between}\n\n{tag}{trailer}"
    reply = " ".join(split_reply(mail).reply_text.split())
    assert [sentence for sentence in (*new, *answers) if sentence not in reply] == []


@pytest.mark.parametrize(
    "piece",
    [
        "On a ",
        "On a\n",
        "> a\n",
        "From: a\n",
        "wrote: ",
        "- ",
        "-",
        "| ",
        "a@",
        "<",
        "Am 1 schrieb ",
        "________\n",
        "\n ",
    ],
)
def test_hostile_text_costs_time_in_proportion_to_its_size(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.perf_counter()
        split_reply(text)
        return time.perf_counter() - began

    small = max(min(seconds(100_000) for _ in range(3)), 0.02)
    assert min(seconds(1_000_000) for _ in range(2)) <= small * 30


@pytest.mark.parametrize(
    "line",
    ["Acme Support wrote:", "Acme Support 写道：", "Acme Support schrieb:", "Le support a écrit :", "Ana Lopez skrev:"],
)
def test_a_line_that_only_names_the_writer_belongs_to_the_quote_below_it(line: str) -> None:
    split = split_reply(f"Yes, thank you!\n\n{line}\n> Is it solved?\n> Ana\n")
    assert split.reply_text == "Yes, thank you!"
    assert line in split.quoted_text


def test_a_line_that_names_a_writer_without_a_quote_is_the_senders_own() -> None:
    text = "The manual wrote:\npress the red button\nI did, nothing happens."
    assert split_reply(text).reply_text == text
