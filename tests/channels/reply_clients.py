"""What further mail programs put below somebody's words: each of it is quoted or signature."""

from __future__ import annotations

# The program, and all that stands below the new words.
BELOW = (
    (
        "K-9 Mail, German",
        (
            "Am 2. März 2026 10:00:00 MEZ schrieb Support <s@e.com>:\n>old\n>more\n\n-- \nDiese Nachricht wurde von "
            "meinem Android-Gerät mit K-9 Mail gesendet."
        ),
    ),
    (
        "K-9 Mail's own line",
        "-- \nSent from my Android device with K-9 Mail. Please excuse my brevity.",
    ),
    (
        "BlueMail",
        "\u2063Get BlueMail for Android \u200b\n\nOn Mar 2, 2026, 10:00, at 10:00, Support <s@e.com> wrote:\n>old",
    ),
    (
        "Edison Mail",
        (
            "Sent from Edison Mail\n( https://mail.example )\n\nOn Mon, Mar 2, 2026 at 10:00 AM, Support < s@e.com > "
            "wrote:\nold"
        ),
    ),
    (
        "Newton",
        "--\nSent using Newton ( https://cl.example )\n\nOn Mar 2, 2026 at 10:00 AM, Support <s@e.com> wrote:\nold",
    ),
    (
        "Superhuman",
        (
            "Sent via Superhuman ( https://sprh.example/?vip=a@b.c )\n\nOn Mon, Mar 02, 2026 at 10:00 AM, Support < "
            "s@e.com > wrote:\n\n>\n> old"
        ),
    ),
    (
        "Hey",
        "On March 2, 2026, Support <s@e.com> wrote:\n> old",
    ),
    (
        "Airmail",
        "On 2 March 2026 at 10:00:05, Support (s@e.com) wrote:\n\nold",
    ),
    (
        "Airmail, German",
        "Am 2. März 2026 um 10:00:05, Support (s@e.com) schrieb:\n\nalt",
    ),
    (
        "Mailspring",
        "On Mar 2 2026, at 10:00 am, Support <s@e.com> wrote:\nold",
    ),
    (
        "Spark",
        "On Mar 2, 2026, 10:00 AM +0100, Support <s@e.com>, wrote:\n> old",
    ),
    (
        "another desk, with the quote in the same line",
        "On Mon, 2 Mar at 10:00 AM , Support <s@e.com> wrote: Hi Ana,\nold",
    ),
    (
        "Gnus",
        "Support <s@e.com> writes:\n\n> old",
    ),
    (
        "an old Emacs",
        '>>>>> "S" == Support <s@e.com> writes:\n\n    S> old',
    ),
    (
        "Emacs",
        "* Support <s@e.com> on Mon 02 Mar:\n> old",
    ),
    (
        "Sylpheed",
        "On Mon, 2 Mar 2026 10:00:00 +0100\nSupport <s@e.com> wrote:\n\n> old",
    ),
    (
        "Becky",
        "On Mon, 2 Mar 2026 10:00:00 +0900\nサポート <s@e.com> wrote:\n\n> 古い",
    ),
    (
        "Shuriken",
        "サポート <s@e.com> さんは書きました:\n> 古い",
    ),
    (
        "Eudora, to whom it answers",
        "At 10:00 AM 3/2/2026 +0100, you wrote:\n>old",
    ),
    (
        "Notes with who sent it",
        "\nFrom:\tSupport/ACME\nTo:\tAna\nDate:\t03/02/2026 10:00 AM\nSubject:\tRe: x\nSent by:\tBo\n\n\n\nold",
    ),
    (
        "Notes in the browser",
        (
            "-----Support/ACME wrote: -----\nTo: ana@e.com\nFrom: Support/ACME\nDate: 03/02/2026 10:00AM\nSubject: x\n"
            "\nold"
        ),
    ),
    (
        "Notes in the browser, German",
        (
            "-----Support/ACME schrieb: -----\nAn: ana@e.com\nVon: Support/ACME\nDatum: 02.03.2026 10:00\nBetreff: x\n"
            "\nalt"
        ),
    ),
    (
        "Zoho, German",
        "---- Am Mo, 02 Mär 2026 10:00:00 +0100 Support <s@e.com> schrieb ----\n\nalt",
    ),
    (
        "Zoho, French",
        "---- Le lun., 02 mars 2026 10:00:00 +0100 Support <s@e.com> a écrit ----\n\nvieux",
    ),
    (
        "Yahoo Japan",
        "--- On Mon, 2026/3/2, Support <s@e.com> wrote:\n\n古い",
    ),
    (
        "Daum",
        (
            "--------- 원본 메일 ---------\n보낸사람: Support <s@e.com>\n받는사람 : Ana\n날짜: 2026년 3월 2일\n제목: "
            "x\n\n옛"
        ),
    ),
    (
        "Naver",
        (
            '-----Original Message-----\nFrom: "Support"<s@e.com>\nTo: "Ana"\nCc:\nSent: 2026-03-02 (월) 10:00:00 '
            "(GMT+09:00)\nSubject: x\n\n옛"
        ),
    ),
    (
        "139",
        (
            '----邮件原文----\n发件人："Support" <s@e.com>\n收件人：Ana\n抄　送： (无)\n发送时间：2026-03-02 '
            "10:00:00\n主题：x\n\n旧"
        ),
    ),
    (
        "Sina",
        "----- 原始邮件 -----\n发件人：Support <s@e.com>\n收件人：Ana\n主题：x\n日期：2026年03月02日 10点00分\n\n旧",
    ),
    (
        "Aliyun",
        (
            "------------------------------------------------------------------\n发件人：Support <s@e.com>\n"
            "日　期：2026年03月02日 10:00:00\n收件人：Ana\n主　题：x\n\n旧"
        ),
    ),
    (
        "Feishu",
        "发件人：Support <s@e.com>\n日期：2026年3月2日 (周一) 10:00\n主题：x\n收件人：Ana\n旧",
    ),
    (
        "QQ Mail in English",
        (
            '------------------&nbsp;Original&nbsp;------------------\nFrom: &nbsp;"Support" <s@e.com>;\nDate: '
            '&nbsp;Mon, Mar 2, 2026 10:00 AM\nTo: &nbsp;"Ana";\nSubject: &nbsp;x\n\nold'
        ),
    ),
    (
        "a forum's earlier answers",
        "---\n\n=== Previous Replies ===\n\nold",
    ),
    (
        "a tracker's line",
        "—-—-—-—\nReply to this message by typing above this line\n\nold",
    ),
    (
        "a double rule",
        "=====================\nFrom: a@b.c\nDate: 2 Mar 2026\n\nold",
    ),
)
