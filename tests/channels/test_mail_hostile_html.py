"""HTML of strangers is shown as words: no markup, no code, and nothing is fetched.

That the console page shows words as words is proven in a browser by test_web_page.
"""

from __future__ import annotations

import socket

import pytest

from tests.channels.mail_reading import IMAGE, multipart, read

HOSTILE = {
    "script": "<p>words</p><script>alert(1)</script>",
    "event handler": '<p onclick="alert(1)">words</p><img src=x onerror="alert(1)">',
    "remote image": '<p>words</p><img src="http://tracker.example.net/p.gif?id=1">',
    "remote style": '<style>@import url("http://tracker.example.net/a.css"); p {color: red}</style><p>words</p>',
    "background": '<body background="http://tracker.example.net/b.png"><p style="background:url(//t.net)">words',
    "frame": '<p>words</p><iframe src="http://tracker.example.net/"></iframe><object data="http://t.example.net/x">',
    "base and refresh": '<base href="http://t.example.net/"><meta http-equiv=refresh content="0;url=//t"><p>words</p>',
    "drawing": "<p>words</p><svg onload=alert(1)><script>alert(1)</script></svg>",
    "form": '<p>words</p><form action="http://t.example.net"><input type=hidden value="alert(1)"></form>',
    "hidden text": '<div style="display:none">alert(1)</div><p>words</p>',
    "template": "<template><b>alert(1)</b></template><p>words</p>",
    "comment": "<!-- alert(1) --><p>words</p><!--[if mso]>alert(1)<![endif]-->",
    "unclosed": "<p>words</p><script>alert(1)",
}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every try to reach another machine, which are all refused."""
    tries: list[object] = []

    def refuse(*words: object, **named: object) -> None:
        tries.append(words)
        raise OSError("a mail must not make us call anybody")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tries


@pytest.mark.parametrize("name", HOSTILE)
def test_only_the_words_are_shown_and_nobody_is_called(name: str, no_network: list[object]) -> None:
    message = read(multipart("related", f"Content-Type: text/html\r\n\r\n<html>{HOSTILE[name]}</html>", IMAGE))
    assert message.text.split() == ["words"]
    assert message.reply_text.split() == message.text.split()
    assert no_network == []


def test_markup_that_was_written_out_as_words_stays_words() -> None:
    """Escaped tags are the writer's own words; what shows them must show words, as the console page does."""
    message = read("Content-Type: text/html\r\n\r\n<p>Use &lt;b&gt; &amp;amp; &lt;script&gt; here</p>")
    assert message.text == "Use <b> &amp; <script> here"
