"""HTML replies as mail clients write them, each with what is new in it."""

from __future__ import annotations

# The client, the HTML, and the new words in it.
REPLIES = (
    (
        "gmail",
        (
            '<div dir="ltr">New words.<div><br></div><div>Ana</div></div><br><div class="gmail_quote '
            'gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, 2 Mar 2026 at 10:00, Support '
            '&lt;<a href="mailto:s@e.com">s@e.com</a>&gt; wrote:<br></div><blockquote class="gmail_quote" '
            'style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204)"><div>old '
            "words</div></blockquote></div>"
        ),
        "New words. Ana",
    ),
    (
        "gmail sig",
        (
            '<div dir="ltr">New words.<div><br></div>-- <br><div dir="ltr" class="gmail_signature" '
            'data-smartmail="gmail_signature">Ana Lopez<br>ACME</div></div><br><div class="gmail_quote"><div '
            'dir="ltr" class="gmail_attr">On Mon wrote:<br></div><blockquote class="gmail_quote">old '
            "words</blockquote></div>"
        ),
        "New words.",
    ),
    (
        "gmail inline",
        (
            '<div><div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; '
            'wrote:<br></div><blockquote class="gmail_quote">q1?</blockquote><div>answer one</div><blockquote '
            'class="gmail_quote">q2?</blockquote><div>answer two</div></div></div>'
        ),
        "On Mon, 2 Mar 2026 at 10:00, S <s@e.com> wrote: q1? answer one q2? answer two",
    ),
    (
        "gmail bottom",
        (
            '<div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; '
            'wrote:<br></div><blockquote class="gmail_quote">q1?</blockquote><div>answer one</div></div>'
        ),
        "answer one",
    ),
    (
        "gmail fwd",
        (
            '<div>FYI<br><br><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message '
            "---------<br>From: <strong>Bo</strong> &lt;bo@e.com&gt;<br>Date: Mon<br>Subject: x<br>To: "
            "a@e.com<br></div><br><br>Help!</div></div>"
        ),
        "FYI ---------- Forwarded message --------- From: Bo <bo@e.com> Date: Mon Subject: x To: a@e.com Help!",
    ),
    (
        "apple",
        (
            '<html><body>New words.<div><br></div><div>Ana<br><div><br><blockquote type="cite"><div>On 2 Mar 2026, '
            "at 10:00, Support &lt;s@e.com&gt; wrote:</div><br><div>old "
            "words</div></blockquote></div><br></div></body></html>"
        ),
        "New words. Ana",
    ),
    (
        "iphone",
        (
            '<html><body dir="auto">New words.<br><br><div id="AppleMailSignature" dir="ltr">Sent from my '
            'iPhone</div><div dir="ltr"><br>On 2 Mar 2026, at 10:00, Support &lt;s@e.com&gt; '
            'wrote:<br><br></div><blockquote type="cite"><div dir="ltr">old words</div></blockquote></body></html>'
        ),
        "New words.",
    ),
    (
        "iphone wrapped in sig",
        (
            '<html><body dir="auto"><div id="AppleMailSignature">New words.<br><br>Sent from my '
            "iPhone</div><div><br>On 2 Mar 2026, at 10:00, Support &lt;s@e.com&gt; wrote:<br><br></div><blockquote "
            'type="cite"><div>old words</div></blockquote></body></html>'
        ),
        "New words.",
    ),
    (
        "apple fwd",
        (
            '<body>See<br><div><br><blockquote type="cite"><div>Begin forwarded message:</div><br><div><b>From: '
            "</b>Bo &lt;bo@e.com&gt;</div><div><b>Subject: </b>x</div><div><b>Date: </b>2 March 2026</div><div><b>To: "
            "</b>a@e.com</div><br>Help</blockquote></div></body>"
        ),
        "See Begin forwarded message: From: Bo <bo@e.com> Subject: x Date: 2 March 2026 To: a@e.com Help",
    ),
    (
        "outlook desktop",
        (
            '<div class="WordSection1"><p class="MsoNormal">New words.<o:p></o:p></p><p '
            'class="MsoNormal"><o:p>&nbsp;</o:p></p><div><div style="border:none;border-top:solid #E1E1E1 '
            '1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Support &lt;s@e.com&gt; '
            "<br><b>Sent:</b> Monday, March 2, 2026 10:00 AM<br><b>To:</b> Ana<br><b>Subject:</b> "
            'x<o:p></o:p></p></div></div><p class="MsoNormal">old words</p></div>'
        ),
        "New words.",
    ),
    (
        "outlook ja unknown labels",
        (
            '<div class="WordSection1"><p>New words.</p><div><div style="border:none;border-top:solid #E1E1E1 '
            '1.0pt"><p><b>Xyz:</b> Support<br><b>Qqq:</b> Monday<br><b>Www:</b> Ana</p></div></div><p>old '
            "words</p></div>"
        ),
        "New words.",
    ),
    (
        "owa",
        (
            '<body><div style="font-family:Calibri">New words.</div><div id="appendonsend"></div><hr '
            'style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font '
            'face="Calibri"><b>From:</b> Support &lt;s@e.com&gt;<br><b>Sent:</b> Monday<br><b>To:</b> '
            "Ana<br><b>Subject:</b> x</font><div>&nbsp;</div></div><div>old words</div></body>"
        ),
        "New words.",
    ),
    (
        "owa sig",
        (
            '<body><div>New words.</div><div id="Signature"><div>Ana Lopez</div><div>ACME Ltd</div></div><div '
            'id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> S<br></div><div>old '
            "words</div></body>"
        ),
        "New words.",
    ),
    (
        "outlook mobile",
        (
            '<body><div dir="auto">New words.</div><div id="ms-outlook-mobile-signature"><div>Get <a '
            'href="https://aka.ms/o0ukef">Outlook for iOS</a></div></div><hr><div id="divRplyFwdMsg"><b>From:</b> '
            "S</div><div>old words</div></body>"
        ),
        "New words.",
    ),
    (
        "outlook mobile 2",
        (
            '<body><div dir="auto">New words.</div><div id="mail-editor-reference-message-container"><div '
            'class="ms-outlook-mobile-reference-message skipProofing" style="border-color:rgb(181,196,223) white '
            'white"><b>From: </b>S</div><div>old words</div></div></body>'
        ),
        "New words.",
    ),
    (
        "outlook mac",
        (
            '<body><div>New words.</div><span id="OLK_SRC_BODY_SECTION"><div style="border-top: #b5c4df 1pt '
            'solid"><span>From: </span> S<br></div>old words</span></body>'
        ),
        "New words.",
    ),
    (
        "thunderbird",
        (
            '<body><p>New words.</p><div class="moz-cite-prefix">On 2/3/26 10:00, Support '
            'wrote:<br></div><blockquote type="cite" cite="mid:x@e.com"><p>old words</p></blockquote></body>'
        ),
        "New words.",
    ),
    (
        "thunderbird unknown prefix",
        (
            '<body><p>New words.</p><div class="moz-cite-prefix">Support qqq:<br></div><blockquote type="cite" '
            'cite="mid:x@e.com"><p>old words</p></blockquote><div class="moz-signature">-- <br>Ana</div></body>'
        ),
        "New words.",
    ),
    (
        "thunderbird bottom",
        (
            '<body><div class="moz-cite-prefix">Am 02.03.26 um 10:00 schrieb Support:<br></div><blockquote '
            'type="cite"><p>old words</p></blockquote><p>New words.</p></body>'
        ),
        "New words.",
    ),
    (
        "yahoo",
        (
            '<div>New words.</div><div><br></div><div id="yahoo_quoted_123" class="yahoo_quoted"><div><div>On '
            "Monday, March 2, 2026 at 10:00:00 AM GMT+1, S &lt;s@e.com&gt; wrote:</div><div>old "
            "words</div></div></div>"
        ),
        "New words.",
    ),
    (
        "proton",
        (
            '<div style="x">New words.</div><div class="protonmail_signature_block"><div '
            'class="protonmail_signature_block-proton">Sent with <a>Proton Mail</a> secure email.</div></div><div '
            'class="protonmail_quote">On Monday, March 2nd, 2026 at 10:00 AM, S &lt;s@e.com&gt; '
            'wrote:<br><blockquote class="protonmail_quote" type="cite">old words</blockquote></div>'
        ),
        "New words.",
    ),
    (
        "zoho",
        (
            '<div style="x"><div>New words.</div><div class="zmail_extra" style="border-top"><div>---- On Mon, '
            "02 Mar 2026 10:00:00 +0100 <b>S &lt;s@e.com&gt;</b> wrote ---</div><blockquote "
            'id="blockquote_zmail"><div>old words</div></blockquote></div></div>'
        ),
        "New words.",
    ),
    (
        "qq",
        (
            '<div>New words.</div><div><br></div><div><includetail><div>&nbsp;</div><div style="font:Verdana normal '
            '14px;color:#000;"><div style="FONT-SIZE: '
            '12px;">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="FONT-SIZE: '
            '12px;background:#efefef;padding:8px;"><div><b>发件人:'
            '</b>&nbsp;"S"&lt;s@e.com&gt;;</div><div><b>发送时间:</'
            'b>&nbsp;2026年3月2日</div><div><b>收件人:</b>&nbsp;"Ana"'
            ";</div><div><b>主题:</b>&nbsp;x</div></div><div>old words</div></div></includetail></div>"
        ),
        "New words.",
    ),
    (
        "163",
        (
            '<div style="line-height:1.7">New words.</div><br><pre>At 2026-03-02 10:00:00, "S" &lt;s@e.com&gt; '
            'wrote:</pre><blockquote id="isReplyContent" style="PADDING-LEFT: 1ex">old words</blockquote>'
        ),
        "New words.",
    ),
    (
        "163 zh",
        (
            '<div>New words.</div><p>在 2026-03-02 10:00:00，"S" &lt;s@e.com&gt; 写道：</p><blockquote '
            'id="isReplyContent"><div>old words</div></blockquote>'
        ),
        "New words.",
    ),
    (
        "mailmaster",
        (
            '<body><div id="spnEditorContent">New words.</div><div class="ntes-mailmaster-quote" '
            'style="padding-top: 1px;"><div style="padding:4px 8px">---- 回复的原邮件 '
            "----</div><table><tr><td>发件人</td><td>S</td></tr></table><blockquote>old "
            "words</blockquote></div></body>"
        ),
        "New words.",
    ),
    (
        "foxmail",
        (
            '<div>New words.</div><hr><div><span>Ana</span></div><blockquote style="margin-Top: '
            '0px"><div>&nbsp;</div><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm '
            '0cm"><div style="PADDING-RIGHT: '
            '8px"><div><b>发件人：</b>&nbsp;<a>s@e.com</a></div><div><b>发送时间：</b>&nbsp;2026-03-02 '
            "10:00</div><div><b>收件人：</b>&nbsp;ana</div><div><b>主题：</b>&nbsp;x</div></div></div><div>old "
            "words</div></blockquote>"
        ),
        "New words. Ana",
    ),
    (
        "own blockquote",
        "<p>Your page says:</p><blockquote>Press the red button</blockquote><p>Where is it?</p>",
        "Your page says: Press the red button Where is it?",
    ),
    (
        "own blockquote end",
        "<p>Your page says:</p><blockquote>Press the red button</blockquote>",
        "Your page says: Press the red button",
    ),
    (
        "plain blockquote after attribution",
        (
            "<p>New words.</p><div>On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; wrote:</div><blockquote><p>old "
            "words</p></blockquote>"
        ),
        "New words.",
    ),
    (
        "yandex",
        (
            '<div>New words.</div><div><br></div><div>02.03.2026, 10:00, "S" '
            "&lt;s@e.com&gt;:</div><blockquote><div>old words</div></blockquote>"
        ),
        "New words.",
    ),
    (
        "mail.ru",
        (
            '<div>New words.</div><blockquote style="border-left:1px solid #0857A6;margin:10px">Понедельник, 2 '
            "марта 2026, 10:00 +03:00 от S &lt;s@e.com&gt;:<br>&nbsp;<div>old words</div></blockquote>"
        ),
        "New words.",
    ),
    (
        "wrap plain quote interleaved",
        (
            "<p>Hi</p><div>On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; wrote:</div><blockquote "
            'type="cite">q1?</blockquote><p>a1</p><blockquote type="cite">q2?</blockquote><p>a2</p>'
        ),
        "Hi On Mon, 2 Mar 2026 at 10:00, S <s@e.com> wrote: q1? a1 q2? a2",
    ),
    (
        "lotus",
        (
            "<font size=2>New words.</font><br><br><font size=1 color=#5f5f5f>From: &nbsp; &nbsp; &nbsp; "
            "&nbsp;</font><font size=1>Support/ACME</font><br><font>To: &nbsp; "
            "&nbsp;</font><font>Ana</font><br><font>Date: &nbsp;</font><font>02.03.2026 "
            "10:00</font><br><font>Subject: &nbsp;</font><font>x</font><br><hr noshade><br>old words"
        ),
        "New words.",
    ),
    (
        "hr+table header",
        (
            "<p>New words.</p><hr><table><tr><td><b>From:</b></td><td>S "
            "&lt;s@e.com&gt;</td></tr><tr><td><b>Sent:</b></td>"
            "<td>Monday</td></tr><tr><td><b>To:</b></td><td>Ana"
            "</td></tr><tr><td><b>Subject:</b></td><td>x</td></tr></table><p>old words</p>"
        ),
        "New words.",
    ),
    (
        "spark",
        (
            '<div name="messageBodySection">New words.</div><div name="messageSignatureSection"><br>Ana</div><div '
            'name="messageReplySection">On 2 Mar 2026, 10:00 +0100, S &lt;s@e.com&gt;, wrote:<br><blockquote '
            'type="cite">old words</blockquote></div>'
        ),
        "New words.",
    ),
    (
        "blockquote nested only",
        (
            "<div>New words.<br><br>S &lt;s@e.com&gt; schrieb am Mo., 2. März 2026, 10:00:<br><blockquote "
            'class="gmail_quote">old words<blockquote type="cite">older</blockquote></blockquote></div>'
        ),
        "New words.",
    ),
    (
        "ios mail.app zh",
        (
            '<body>New words.<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">发自我的 iPhone</div><div '
            'dir="ltr"><br><blockquote type="cite">在 2026年3月2日，10:00，S &lt;s@e.com&gt; '
            '写道：<br><br></blockquote></div><blockquote type="cite"><div>old words</div></blockquote></body>'
        ),
        "New words.",
    ),
    (
        "samsung",
        (
            '<div dir="auto">New words.</div><div dir="auto" id="composer_signature">Von meinem Galaxy '
            'gesendet</div><div align="left"><div style="font-size:100%;">-------- Ursprüngliche Nachricht '
            "--------</div><div>Von: S &lt;s@e.com&gt; </div><div>Datum: 02.03.26 10:00 (GMT+01:00) </div><div>An: "
            "Ana </div><div>Betreff: x </div></div><div>old words</div>"
        ),
        "New words.",
    ),
    (
        "roundcube",
        (
            '<p>New words.</p><p id="reply-intro">Am 2026-03-02 10:00, schrieb S:</p><blockquote type="cite" '
            'style="padding: 0 0.4em">old words</blockquote>'
        ),
        "New words.",
    ),
    (
        "zimbra",
        (
            '<div>New words.</div><hr id="zwchr" data-marker="__DIVIDER__"><div '
            'data-marker="__HEADERS__"><b>From: </b>"S" &lt;s@e.com&gt;<br><b>To: </b>Ana<br><b>Sent: '
            '</b>Monday<br><b>Subject: </b>x<br></div><div data-marker="__QUOTED_TEXT__">old words</div>'
        ),
        "New words.",
    ),
    (
        "inline br only",
        "New words.<br><br>On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; wrote:<br>&gt; old words<br>&gt; more",
        "New words.",
    ),
    (
        "own words then inline",
        '<div>Reply<span class="gmail_quote">old words</span></div>',
        "Reply",
    ),
    (
        "outlook 2007 style none",
        (
            '<div><p>New words.</p><div style="border-style:solid none '
            'none;border-top-color:rgb(181,196,223);border-top-width:1pt;padding:3pt 0cm 0cm"><p><b>Von:</b> '
            "S<br><b>Gesendet:</b> Montag<br><b>An:</b> A<br><b>Betreff:</b> x</p></div><p>old words</p></div>"
        ),
        "New words.",
    ),
)
