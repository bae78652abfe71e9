"""The files that staff attach: kept with the decision that needs them, or not at all, and missed when they are gone."""

from __future__ import annotations

import pytest

from rules.effects import OwedFile, Upload
from rules.model import Attachment, Decision
from tests.builders import a_mail, a_ticket, an_entry, an_outbox_entry
from tests.contracts.desks import Desk, reader

SHEET = OwedFile(filename="a.pdf", content_type="application/pdf", message_key="k1:file:1", size=8, sha256="ab")


def test_files_are_kept_in_the_commit_that_records_their_decision(desk: Desk) -> None:
    """The same name keeps the bytes it has: a command delivered again changes nothing."""
    with desk.store.begin() as work:
        work.record("k1", Decision(tickets=(a_ticket(1),)))
        work.keep("k1:file:1", b"%PDF\x00\r\n\xff")
        work.keep("k1:file:2", b"")
        assert work.raw("k1:file:1") == b"%PDF\x00\r\n\xff"
        work.commit()
    with desk.store.begin() as work:
        work.keep("k1:file:1", b"other")
        work.commit()
    look = reader(desk)
    assert (look.raw("k1:file:1"), look.raw("k1:file:2")) == (b"%PDF\x00\r\n\xff", b"")


def test_without_a_commit_no_file_is_kept(desk: Desk) -> None:
    """A file without the reply it belongs to would be nobody's."""
    with desk.store.begin() as work:
        work.record("k1", Decision(tickets=(a_ticket(1),)))
        work.keep("k1:file:1", b"%PDF")
    with pytest.raises(KeyError):
        reader(desk).raw("k1:file:1")


def test_an_owed_file_is_found_again_whole(desk: Desk) -> None:
    """In a mail, in an upload to the thread and in the journal."""
    upload = Upload(ticket=1, file=SHEET, after="1:message:2")
    listed = Attachment(filename="a.pdf", content_type="application/pdf", size=8, sha256="ab", kept_key="k1:file:1")
    entry = an_entry(attachments=(listed,))
    mail = a_mail(files=(SHEET,))
    desk.record(
        "k1",
        tickets=(a_ticket(1),),
        journal=(entry,),
        outbox=(an_outbox_entry("1:reply:1", content=mail), an_outbox_entry("1:m:file:1", content=upload)),
    )
    look = reader(desk)
    assert [owed.content for owed in look.outbox(ticket=1)] == [mail, upload]
    assert look.entries(1) == (entry,)


def test_verify_misses_the_bytes_of_a_file(desk: Desk) -> None:
    """One sentence for the mail, one for the upload and one for the journal."""
    upload = Upload(ticket=1, file=SHEET, after="1:message:2")
    listed = Attachment(filename="a.pdf", content_type="application/pdf", size=8, sha256="ab", kept_key="k1:file:1")
    desk.record(
        "k1",
        tickets=(a_ticket(1),),
        journal=(an_entry(attachments=(listed,), message_key=""),),
        outbox=(an_outbox_entry("1:m:file:1", content=upload), an_outbox_entry("1:r", content=a_mail(files=(SHEET,)))),
    )
    desk.again()
    assert len([said for said in desk.store.verify() if "k1:file:1" in said]) == 3
