"""The thread of a ticket on the console page: everything that was said, in its order, and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from channels.web.attachments import FileLink
from channels.web.thread import Line, thread
from rules.effects import OutboxEntry, OutboxState, OwedFile
from rules.model import DESK, Attachment, Author, AuthorKind, Entry, EntryKind, Status, Ticket
from tests.builders import MONDAY, a_mail, a_ticket, an_entry, an_outbox_entry
from tests.channels.slack_desk import a_policy
from tests.channels.web_desk import a_button, a_post

ANA = Author(kind=AuthorKind.STAFF, key="ana", name="Ana Silva")


def at(minutes: float) -> Any:
    """So many minutes after Monday morning."""
    return MONDAY + timedelta(minutes=minutes)


def a_reply(text: str = "Try turning it off.", *, minutes: float = 5, **changes: Any) -> Entry:
    """Ana answers."""
    values: dict[str, Any] = {"kind": EntryKind.REPLIED, "author": ANA, "outbox_key": "1:reply:1", **changes}
    return an_entry(1, at=at(minutes), text=text, source=values.pop("source", "console"), **values)


def told(
    entries: Sequence[Entry], outbox: Sequence[OutboxEntry] = (), *, ticket: Ticket | None = None, minutes: float = 5
) -> list[Line]:
    """The thread as it is so many minutes after the ticket was opened."""
    return list(thread(ticket or a_ticket(1), entries, outbox, a_policy(), at(minutes)))


def test_customers_words_staff_words_and_posts_come_in_the_order_of_time() -> None:
    """A conversation reads from top to bottom."""
    posts = [
        a_post(1, "post:1", at=at(2)),
        a_post(1, "message:2", at=at(9), text="Mei wrote", quote="It works", quote_author="Mei"),
    ]
    note = an_entry(1, at=at(7), kind=EntryKind.NOTED, author=ANA, text="A nice customer", source="console")
    lines = told([an_entry(1), a_reply(), note], posts, minutes=10)
    assert [line.kind for line in lines] == ["desk", "staff", "note", "customer"]
    assert [line.author for line in lines] == ["Acme Support", "Ana Silva", "Ana Silva", "Mei"]


def test_the_words_on_the_card_are_not_told_again() -> None:
    """The card of a live ticket shows what opened it."""
    assert told([an_entry(1)]) == []


@pytest.mark.parametrize(
    "shown",
    [
        {"ticket": a_ticket(1, status=Status.RESOLVED), "entries": [an_entry(1)]},
        {"ticket": a_ticket(1), "entries": [an_entry(1, text="Help! " * 600)]},
    ],
)
def test_words_that_the_card_leaves_out_are_told_whole(shown: dict[str, Any]) -> None:
    """A resolved card is collapsed, and a long text is cut on the card: the thread has all of it."""
    (line,) = told(shown["entries"], ticket=shown["ticket"])
    assert line.kind == "customer"
    assert line.text == shown["entries"][0].text


def test_a_customers_message_with_a_post_is_told_once() -> None:
    """The post stands for the journal entry that it was made from, also when it quotes only the beginning."""
    words = an_entry(1, at=at(3), text="It still burns.\n\nPlease come.")
    for quote in ("It still burns.\n\nPlease come.", "It still burns. Please…"):
        post = a_post(1, "message:2", at=at(3), text="Mei wrote", quote=quote, quote_author="Mei Lin")
        assert [line.key for line in told([an_entry(1), words], [post])] == ["post:1:message:2"]


def test_a_customers_message_without_a_post_is_told_from_the_journal() -> None:
    """Nothing that was said is missing."""
    words = an_entry(1, at=at(3), text="And the smoke alarm is on", attachments=(
        Attachment(filename="smoke.jpg", content_type="image/jpeg", size=3, sha256="0" * 64),
    ))  # fmt: skip
    (line,) = told([an_entry(1), words])
    link = FileLink(name="smoke.jpg", size="3 bytes", path="/api/file/1/1/0", picture=True)
    assert (line.text, line.files) == ("And the smoke alarm is on", (link,))


def test_a_file_that_a_post_lists_is_linked_there_and_nowhere_else() -> None:
    """The post stands for a mail that has nothing but its file; what the journal does not know has no link."""
    photo = Attachment(filename="smoke.jpg", content_type="image/jpeg", size=2048, sha256="0" * 64, part=3)
    bare = an_entry(1, at=at(3), text="", message_key="mail:2", attachments=(photo,))
    files = (
        OwedFile(filename="smoke.jpg", content_type="image/jpeg", message_key="mail:2", part=3, size=2048),
        OwedFile(filename="lost.jpg", content_type="image/jpeg", message_key="mail:9", part=3, size=2048),
    )
    post = a_post(1, "message:2", at=at(3), text="Mei wrote", quote_author="Mei Lin", files=files)
    (line,) = told([an_entry(1), bare], [post])
    assert line.files == (
        FileLink(name="smoke.jpg", size="2 KB", path="/api/file/1/1/0", picture=True),
        FileLink(name="lost.jpg"),
    )
    assert "smoke.jpg" not in str(line.blocks)


def test_a_long_first_mail_is_told_whole_and_its_files_once() -> None:
    """Its post lists the files; the words that the card cuts stand in the thread."""
    photo = Attachment(filename="smoke.jpg", content_type="image/jpeg", size=2048, sha256="0" * 64, part=3)
    opening = an_entry(1, text="Help! " * 600, attachments=(photo,))
    owed = OwedFile(filename="smoke.jpg", content_type="image/jpeg", message_key=opening.message_key, part=3)
    post = a_post(1, "message:1", text="Files from Mei Lin", quote_author="Mei Lin", files=(owed,))
    lines = told([opening], [post])
    assert sorted(len(line.files) for line in lines) == [0, 1]


def test_what_staff_attached_is_linked_at_their_words() -> None:
    """To a reply as to a note."""
    sheet = Attachment(filename="a.pdf", content_type="application/pdf", size=9, sha256="0" * 64, kept_key="k:file:1")
    lines = told([an_entry(1), a_reply(attachments=(sheet,)), a_reply(kind=EntryKind.NOTED, attachments=(sheet,))])
    assert [[file.path for file in line.files] for line in lines] == [["/api/file/1/1/0"], ["/api/file/1/1/0"]]


@pytest.mark.parametrize(("mark", "kind"), [("reply", EntryKind.REPLIED), ("inside", EntryKind.NOTED)])
def test_what_staff_said_elsewhere_is_told_once_with_its_place(mark: str, kind: EntryKind) -> None:
    """A reply given on the command line is a journal entry and a post for chat; the console shows the entry."""
    said = a_reply(kind=kind, source="cli")
    post = a_post(1, "post:2", at=at(5), text="Ana Silva answered by cli:\nTry turning it off.", mark=mark)
    (line,) = told([an_entry(1), said], [post])
    assert (line.text, line.source) == ("Try turning it off.", "cli")


def test_the_buttons_of_a_held_reply_stand_on_the_reply_itself() -> None:
    """A post that only offers them again is left out."""
    buttons = (a_button("send_now", "Send now", "1:reply:1"), a_button("withdraw", "Keep inside", "1:reply:1"))
    post = a_post(1, "post:2", at=at(5), text="This goes out in 20 s.", buttons=buttons)
    assert [line.key for line in told([an_entry(1), a_reply()], [post])] == ["entry:1"]


@pytest.mark.parametrize(
    ("changes", "minutes", "state"),
    [
        ({"due_at": at(6)}, 5, "held"),
        ({"due_at": at(6)}, 7, "queued"),
        ({"due_at": at(6), "attempts": 1}, 5, "queued"),
        ({"state": OutboxState.SENDING}, 5, "sending"),
        ({"state": OutboxState.ACCEPTED}, 5, "accepted"),
        ({"state": OutboxState.FAILED, "problem": "550 no such user"}, 5, "failed"),
        ({"state": OutboxState.UNCERTAIN}, 5, "uncertain"),
        ({"state": OutboxState.WITHDRAWN, "due_at": at(6)}, 5, "withdrawn"),
    ],
)
def test_every_reply_shows_how_far_it_has_come(changes: dict[str, Any], minutes: float, state: str) -> None:
    """Held, waiting, sent, failed and why: never silence (complaint 63)."""
    owed = an_outbox_entry("1:reply:1", content=a_mail(), **changes)
    (line,) = told([an_entry(1), a_reply()], [owed], minutes=minutes)
    assert line.delivery is not None
    assert (line.delivery["state"], line.delivery["key"]) == (state, "1:reply:1")
    assert line.delivery["to"] == "mei.lin@example.net"
    assert line.delivery["problem"] == changes.get("problem", "")


def test_a_reply_names_everybody_it_goes_to() -> None:
    """People in copy read it too, and staff should know that."""
    owed = an_outbox_entry("1:reply:1", content=a_mail(cc=("carl@example.net",)), state=OutboxState.ACCEPTED)
    (line,) = told([an_entry(1), a_reply()], [owed])
    assert line.delivery is not None
    assert line.delivery["to"] == "mei.lin@example.net, carl@example.net"


def test_the_acknowledgement_is_one_quiet_line() -> None:
    """Staff see that it went out; they need not read it."""
    entry = an_entry(
        1, at=at(0), kind=EntryKind.ACKNOWLEDGED, author=DESK, text="Hello", outbox_key="1:acknowledgement"
    )
    sent = an_outbox_entry("1:acknowledgement", state=OutboxState.ACCEPTED)
    (line,) = told([an_entry(1), entry], [sent])
    assert line.kind == "log"
    assert line.delivery is not None
    assert line.delivery["state"] == "accepted"


def test_staff_see_why_a_customer_was_not_acknowledged() -> None:
    """A newsletter gets no answer; whoever looks at it should not think that one went out."""
    why = "not acknowledged: list mail is never answered automatically (RFC 3834)"
    entry = an_entry(1, at=at(0), kind=EntryKind.NOT_ACKNOWLEDGED, author=DESK, text="", because=(why,))
    (line,) = told([an_entry(1), entry])
    assert (line.kind, line.delivery) == ("log", None)
    assert line.text == "Not acknowledged: list mail is never answered automatically (RFC 3834)"


def test_machinery_is_not_told() -> None:
    """Deliveries, classifications and other channels' effects are no conversation."""
    entries = [an_entry(1), an_entry(1, kind=EntryKind.CLASSIFIED), an_entry(1, kind=EntryKind.DELIVERED)]
    outbox = [an_outbox_entry("1:mail"), a_post(1, "elsewhere"), a_post(1, "post:9")]
    foreign = [outbox[0], an_outbox_entry("1:x", content=outbox[1].content, channel="pager")]
    assert told(entries, foreign) == []
    assert len(told(entries, outbox)) == 2
