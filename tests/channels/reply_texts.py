"""Whole replies as people write them, each with what is new in it; and texts that only look like a quote."""

from __future__ import annotations

# What it is about, the mail, and the new words in it.
REPLIES = (
    (
        "same line",
        "Thanks for that. On Mon, Mar 2, 2026 at 10:00 AM, Support <s@e.com> wrote:\n\n> old",
        "Thanks for that.",
    ),
    (
        "attribution runs on",
        "New words.\n\nOn Mon, Mar 2, 2026 at 10:00 AM, Support <s@e.com> wrote: Hello Ana, we are on it.\nRegards",
        "New words.",
    ),
    (
        "two sigs",
        (
            "New words.\n\nBest,\nAna\n\n-- \nAna Lopez\nACME Corp\n+49 30 1234567\n\nOn Mon, 2 Mar 2026 at 10:00, "
            "Support <s@e.com> wrote:\n> Hello\n> --\n> Support\n"
        ),
        "New words.\n\nBest,\nAna",
    ),
    (
        "tag then sig",
        "New words.\n\nSent from my iPhone\n\n-- \nAna",
        "New words.",
    ),
    (
        "wrapped quote lines",
        (
            "Fine, thanks.\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:\n> this is a very long quoted "
            "line that was wrapped by some relay on\nthe way\n> and goes on\n> so\n"
        ),
        "Fine, thanks.",
    ),
    (
        "top + bottom",
        "Hi Bo,\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:\n> Which floor?\n\nThe second.\n\nAna",
        "Hi Bo,\n\nThe second.\n\nAna",
    ),
    (
        "header then >",
        (
            "New words.\n\n-----Original Message-----\nFrom: S <s@e.com>\nSent: Monday\nTo: Ana\nSubject: x\n\n> "
            "Which floor?\n\nThe second."
        ),
        "New words.\n\nThe second.",
    ),
    (
        "quote without mark then reply",
        "> Which floor?\n\nThe second.",
        "The second.",
    ),
    (
        "caution banner",
        "[EXTERNAL]\n\nNew words.\n\nFrom: S <s@e.com>\nSent: Monday, 2 March 2026\nTo: A\nSubject: x\n\nold",
        "[EXTERNAL]\n\nNew words.",
    ),
    (
        "Lotus Notes with labels",
        (
            "New words.\n\n\n\nVon:\tSupport/ACME\nAn:\tAna Lopez/Example@Example\nDatum:\t02.03.2026 10:00\n"
            "Betreff:\tRe: Drucker\n\n\n\nHallo"
        ),
        "New words.",
    ),
    (
        "Lotus Notes without labels",
        (
            "New words.\n\n\n\n\nSupport <s@example.com>\n02.03.2026 10:00\n\nAn\nana@example.net\nKopie\n\nThema\n"
            "Re: Drucker\n\n\nHallo Ana"
        ),
        "New words.",
    ),
    (
        "Lotus Notes, name and date",
        (
            'New words.\n\n"Support" <s@example.com>\n03/02/2026 10:00 AM\n\nTo: <ana@example.net>\ncc:\nSubject: '
            "Printer\n\nHello"
        ),
        "New words.",
    ),
    (
        "groupwise",
        'New words.\n\n>>> "Support" <s@example.com> 3/2/2026 10:00 AM >>>\nHello Ana\nold words',
        "New words.",
    ),
    (
        "groupwise2",
        "New words.\n\n>>> Support <s@example.com> 02.03.2026 10:00 >>>\n\nHello Ana\nold words",
        "New words.",
    ),
    (
        "github",
        "New words.\n\n—\nReply to this email directly, view it on GitHub, or unsubscribe.",
        "New words.",
    ),
    (
        "a Japanese attribution",
        "新しい文章です。\n\n2026年3月2日(月) 10:00 サポート <s@example.com>:\n>\n> こんにちは\n> 古い文",
        "新しい文章です。",
    ),
    (
        "Outlook in Chinese",
        (
            "新内容\n\n________________________________\n发件人: S <s@e.com>\n发送时间: 2026年3月2日 10:00\n收件人: "
            "A\n主题: x\n\n旧内容"
        ),
        "新内容",
    ),
    (
        "quoted with space",
        "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:\n\n > Hello\n > we\n",
        "New words.",
    ),
    (
        "pipe quoted",
        "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:\n\n| Hello\n| we\n",
        "New words.",
    ),
    (
        "supercite",
        "New words.\n\nSupport <s@e.com> writes:\n\nSu> Hello\nSu> we\n",
        "New words.",
    ),
    (
        "in article",
        "In article <abc@x.org>, Support <s@e.com> writes:\n> Hello\n> we\n\nNew words.",
        "New words.",
    ),
    (
        "empty attribution at end",
        "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:",
        "New words.",
    ),
    (
        "attribution cut",
        "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Support\n<s@e.com> wrote:\n\n[Quoted text hidden]",
        "New words.",
    ),
    (
        "dashes sig loose",
        "New words.\n\n--\nAna Lopez\nCTO | ACME\nwww.acme.example",
        "New words.",
    ),
    (
        "ps below tag?",
        "New words.\n\nAna\n\nSent from my iPhone\n\n> On 2 Mar 2026, at 10:00, Support <s@e.com> wrote:\n> \n> Hello",
        "New words.\n\nAna",
    ),
    (
        "nbsp quoted",
        "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Support\xa0<s@e.com> wrote:\n\n>\xa0Hello",
        "New words.",
    ),
    (
        "original message forwarded style in reply",
        (
            "Yes.\n\n-----Original Message-----\nFrom: S <s@e.com>\nSent: Monday\nTo: A\nSubject: FW: x\n\n---------- "
            "Forwarded message ---------\nFrom: B"
        ),
        "Yes.",
    ),
    (
        "another desk's marker, quoted",
        (
            "New words.\n\nOn Mon, 2 Mar 2026 at 10:00, Acme (Support) <s@e.com> wrote:\n\n> ##- Please type your "
            "reply above this line -##\n>\n> Hello"
        ),
        "New words.",
    ),
    (
        "another desk's marker",
        "New words.\n\n##- Please type your reply above this line -##\n\nYour request (17) was updated.",
        "New words.",
    ),
    (
        "unicode dash",
        "New words.\n\n—————Original Message—————\nFrom: S\nSent: Monday\nTo: A\nSubject: x\n\nold",
        "New words.",
    ),
    (
        "Date line then From wrote",
        "New words.\n\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nFrom: s@e.com\nTo: a@e.com\nSubject: x\n\nold",
        "New words.",
    ),
    (
        "a quoted header",
        "New words.\n\n> Date: Mon, 2 Mar 2026 10:00:00 +0100\n> From: s@e.com\n> To: a@e.com\n> Subject: x\n>\n> old",
        "New words.",
    ),
    (
        "a header with its subject first",
        "New words.\n\nSubject: RE: x\nFrom: s@e.com\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nTo: a@e.com\n\nold",
        "New words.",
    ),
    (
        "__ sig",
        "New words.\n\n__\nAna\n",
        "New words.",
    ),
    (
        "forward within quote then new below",
        (
            "On Mon, 2 Mar 2026 at 10:00, S <s@e.com> wrote:\n> ---------- Forwarded message ----------\n> From: B\n\n"
            "New words."
        ),
        "New words.",
    ),
    (
        "an address with a link in an attribution",
        (
            "New words\n\nSent from my iPhone\n\nOn Mar 2, 2026, at 10:00 AM, Support\n<s@e.com<mailto:s@e.com>> "
            "wrote:\n\nold words\n"
        ),
        "New words",
    ),
    (
        "a French mobile",
        "Nouveau texte\n\nEnvoyé de mon iPhone\n\n> Le 2 mars 2026 à 10:00, S <s@e.com> a écrit :\n> \n> Ancien",
        "Nouveau texte",
    ),
    (
        "a list's footer",
        (
            "Dear list,\n\nhow do I reset the label printer?\n\n-Ana Lopez\n\n\n"
            "_______________________________________________\nprinters mailing list\nprinters@lists.example.org\n"
            "https://lists.example.org/printers"
        ),
        "Dear list,\n\nhow do I reset the label printer?",
    ),
    (
        "a block below a rule of dashes",
        (
            "It prints again\n\n\n------------------------------\n*From:* Acme Support [mailto:support@example.com]\n"
            "*Sent:* Monday, March 2, 2026 1:36 PM\n*To:* ana@example.net\n*Subject:* Your printer\n\nDear Ana,"
        ),
        "It prints again",
    ),
    (
        "two dashes within a sentence",
        "The cable -- the grey one -- is loose.\n\n-- \nAna\n",
        "The cable -- the grey one -- is loose.",
    ),
    (
        "a quote within the quote",
        (
            "It works.\nOn 03/02/2026 07:10 AM, Bo Chen wrote:\n\n>Does it work?\n>On 03/01/2026 07:10 AM, Ana Lopez "
            "wrote:\n>\n>>\n>> It is broken.\n>>\n>> Ana\n\nThank you, Ana"
        ),
        "It works.\nThank you, Ana",
    ),
    (
        "a date and a name without a verb",
        "It works\n2026/3/2 Bo Chén <bo@example.com>\n\n>  Does it work now?",
        "It works",
    ),
    (
        "a name between dashes",
        "It works\n\n---- Bo Chen wrote ----\n\n> Does it\n> work now?",
        "It works",
    ),
    (
        "a block without a separator",
        (
            "It works, and I am glad.\n\nFrom: bo@example.com\nSent: March-2-26 5:42 PM\nTo: Ana\nSubject: Does it "
            "work\n\nAna, does it"
        ),
        "It works, and I am glad.",
    ),
    (
        "a block with an address in brackets",
        (
            "C'est réparé\n\nDe : Bo Chen [mailto:bo@example.com]\nEnvoyé : lundi 2 mars 2026 16:31\nÀ : Ana Lopez\n"
            "Objet : Imprimante\n\nBonjour"
        ),
        "C'est réparé",
    ),
)

# What it is about, the mail, what must be kept, and what must be among the quoted words.
KEPT = (
    (
        "answers between quotes, above a list's footer",
        (
            "Hello,\nOn Mon, 2026-03-02 at 18:02 +0100, Ana Lopez wrote:\n> Dear list\n>\n> How do I reset it?\n>\n\n"
            "Hold the red button for ten seconds,\nthen let go.\n\n> It is an LX-300.\n\nThat one has it on the "
            "back.\n\n\n_______________________________________________\nprinters mailing list\n"
            "printers@lists.example.org\nhttps://lists.example.org/printers\n"
        ),
        (
            "Hold the red button",
            "on the back",
        ),
        ("printers mailing list",),
    ),
    (
        "inline tails",
        (
            "On Mon, 2 Mar 2026 at 10:00, Support <s@e.com> wrote:\n> Which floor?\nSecond.\n> Which model?\nLX\n> "
            "Regards\n> Support"
        ),
        (
            "Second.",
            "LX",
        ),
        ("> Regards",),
    ),
    (
        "write below",
        "New words.\n\n--- Reply to this email directly or view it on GitHub:\nhttps://github.com/x",
        ("New words.",),
        (),
    ),
    (
        "inline with comment",
        (
            "Hi, see my answers inline.\n\nAna\n\nFrom: S <s@e.com>\nSent: Monday, 2 March 2026\nTo: A\nSubject: x\n\n"
            "> Which floor?\n[Ana] Second\n> Model?\n[Ana] LX"
        ),
        (
            "[Ana] Second",
            "[Ana] LX",
            "see my answers",
        ),
        (),
    ),
)

# Somebody's own words, all of them.
OWN_WORDS = (
    "On Monday my colleague wrote: the printer is broken.\nPlease help.",
    "On March 3 he wrote:\nit is broken",
    "On 3 March 2026 your colleague wrote:\nwe will fix it. It is not fixed.",
    "Am Montag schrieb ich Ihnen:\nDer Drucker geht nicht.",
    "Am 12.03.2026 um 10:11 schrieb ich Ihnen:\nDer Drucker geht nicht.",
    "The log says:\n2026-03-02 10:00:00 ERROR cannot connect\n2026-03-02 10:00:01 ERROR retry: s@example.com",
    "Steps to reproduce:\n\n1. open\n2. close\n\nExpected:\nit works",
    "Hi,\n\nPlease change my address:\n\nName: Ana Lopez\nStreet: Main Street 3\nTo: nobody\n\nThanks",
    "Name: Ana\nEmail: ana@example.com\nSubject: broken\nMessage: It does not work",
    (
        "The technician may come:\n\nDate: Monday 2, March 2026\nTime: 7:00am\nAddress: 3 Main Street\n\nPlease ring "
        "twice."
    ),
    "I typed\n>>> import foo\nTraceback\nand then it failed",
    "I typed\n\n>>> import foo\n>>> foo.bar()",
    "Our shop is open.\n>>> >>>  https://shop.example.com <<<\nClick the link above.",
    "Options:\n - one\n - two\n -- three\nWhich?",
    "The second letter\n\nSent from my office, it would have come sooner than by phone.",
    "Hello!\n\nWe found a way -- pull the plug first.\n\nbye",
    "The following is what I see:\n--------------------\nerror 17\n--------------------\nWhat now?",
    "Total:\n-----\n12 EUR\n\nIs that right?",
    "We need:\n\n- Printer",
    "He sent it from his phone.\nI sent from Berlin a letter to you.",
    "Subject: printer\n\nIt is broken",
    "My mail was:\n\nTo: support\nSubject: hi\n\nwhy no answer?",
    "The manual wrote:\npress the red button\nI did, nothing happens.",
    "At 10:00 the server wrote:\nout of memory",
    "It printed 3 pages.\nIt wrote: PC LOAD LETTER",
    "Contact me at ana@example.com:\nI am there from 10:00 to 12:00.",
    "Please call Bo <bo@example.com>:\nhe knows.",
    "Call me on 12/03/2026 at 10:00 or write to ana@example.com:\nthanks",
    "我在2026年3月2日写道：打印机坏了",
    "请在2026年3月2日 10:00之前回复 support@example.com：\n谢谢",
    "发件人是谁？\n收件人：我\n谢谢",
    "Original message was lost. Please resend.",
    "----\nHello\n----\nHow are you?",
    "Hi,\n\n**Question**\n\nHow much?\n\n***\n\nThanks",
    "===\nIs this on?",
    "The error:\n\n> Cannot connect\n\nWhat does it mean?",
    "Hello,\nsent from Berlin",
    "Is it 3 > 2?\n> yes or no\nPlease tell.",
    "Von: Berlin nach Paris.\nDatum: morgen",
    "I have two questions:\n1) When?\n2) How much (in EUR)?",
    "Begin forwarded messages are shown wrong.\nHow can I fix it?",
    "Reply above this line is what your mail says. Why?",
    "2026-03-02 10:00 the printer stopped:\nno paper.",
    "Mr. Smith <smith@example.com> is out:\nplease write to me.",
    "The log says:\n\n> Cannot connect to the printer",
    "We see two ways.\n-- \nThe first one would be that you send us a new printer this week.",
)
