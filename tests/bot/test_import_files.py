"""Old mail is found in whatever programs keep it in, whole and oldest first, however large or damaged the files are."""

from __future__ import annotations

import mailbox
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.importing import LARGEST
from bot.importing_files import CHUNK, indexed, mails

AT = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)


def a_mail(name: str, text: str = "Hello.", *, at: datetime | None = AT) -> bytes:
    """A mail as it was sent."""
    date = f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\n" if at else ""
    return f"Message-ID: <{name}@mail.test>\n{date}From: alice@customer.test\nSubject: {name}\n\n{text}\n".encode()


def boxed(*raws: bytes, envelope: bytes = b"From alice@customer.test Mon May  6 08:00:00 2024\n") -> bytes:
    """Mails as an mbox holds them (mboxrd)."""
    kept = []
    for raw in raws:
        lines = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in raw.split(b"\n")]
        kept.append(envelope + b"\n".join(lines) + b"\n")
    return b"".join(kept)


def found(*paths: Path, since: datetime | None = None) -> list[bytes]:
    """The mails that are found, in their order."""
    return [item.raw for item in mails(indexed(paths, since))]


def places(*paths: Path) -> list[str]:
    """Where they were found."""
    return [item.place for item in mails(indexed(paths))]


def test_an_mbox_gives_its_mails_as_they_were(tmp_path: Path) -> None:
    """Without the line above each, and with one mark less before `From`."""
    first, second = a_mail("a", "Hello,\n\nFrom now on it fails.\n>From the start."), a_mail("b")
    path = tmp_path / "old.mbox"
    path.write_bytes(boxed(first, second))
    assert found(path) == [first, second]
    assert places(path) == [f"{path}:0", f"{path}:{path.read_bytes().index(b'From alice', 1)}"]


def test_an_mbox_that_another_program_wrote_gives_its_mails(tmp_path: Path) -> None:
    """Python's own, which knows the format as most programs do."""
    path = tmp_path / "python.mbox"
    box = mailbox.mbox(path)
    for name in "abc":
        box.add(a_mail(name, "From here\n\nFrom there"))
    box.close()
    assert [raw.partition(b"\n")[0] for raw in found(path)] == [f"Message-ID: <{n}@mail.test>".encode() for n in "abc"]


def test_mails_of_all_files_come_oldest_first(tmp_path: Path) -> None:
    """Inbox and sent mail are one conversation, whatever the order in each file."""
    dates = {name: AT + timedelta(hours=hour) for name, hour in {"q": 0, "a": 1, "t": 2, "x": 3}.items()}
    inbox, sent = tmp_path / "inbox", tmp_path / "sent.mbox"
    inbox.write_bytes(boxed(a_mail("x", at=dates["x"]), a_mail("t", at=dates["t"]), a_mail("q", at=dates["q"])))
    sent.write_bytes(boxed(a_mail("a", at=dates["a"])))

    assert found(inbox, sent) == [a_mail(name, at=dates[name]) for name in "qatx"]
    assert found(inbox, sent, since=dates["t"]) == [a_mail(name, at=dates[name]) for name in "tx"]


def test_words_that_look_like_a_border_are_none(tmp_path: Path) -> None:
    """Some programs mark nothing: a `From` in the text is one only with a header below it."""
    raw = a_mail("a", "Hello,\n\nFrom my point of view this fails.\nReally it does.\n\nFrom\n")
    path = tmp_path / "unmarked"
    path.write_bytes(b"From alice@customer.test Mon May  6 08:00:00 2024\n" + raw + b"\n")
    assert found(path) == [raw]


def test_a_border_without_the_empty_line_above_it_is_one_where_it_is_an_envelope(tmp_path: Path) -> None:
    """A writer that was cut off leaves the line out."""
    path = tmp_path / "cut"
    path.write_bytes(boxed(a_mail("a")).rstrip(b"\n") + b"\n" + boxed(a_mail("b")))
    assert len(found(path)) == 2


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("offset", [*range(-12, 13), *range(1990, 2012)])
def test_a_border_is_found_wherever_the_pieces_of_a_file_meet(tmp_path: Path, offset: int, ends: bytes) -> None:
    """A file is read in pieces; none of its mails may be lost or cut where two of them meet."""
    line, path = b"x" * 59 + b"\n", tmp_path / "large"
    first = boxed(a_mail("a")).removesuffix(b"\n")
    wanted = CHUNK - 2004 + offset - (len(first) + 1)
    if ends == b"\r\n":
        wanted = wanted * 60 // 61
    first += line * (wanted // 60) + b"y" * (wanted % 60) + b"\n\n"
    path.write_bytes((first + boxed(a_mail("b"), a_mail("c"))).replace(b"\n", ends))
    names = [raw.partition(ends)[0] for raw in found(path)]
    assert names == [f"Message-ID: <{name}@mail.test>".encode() for name in "abc"]


PIECES = ["a", "\n", "From ", ">", ": ", "\n\n", "x: y\n"]
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_whatever_they_say_mails_come_out_as_they_went_in(texts: list[str]) -> None:
    """An mbox that is written as the format wants it (mboxrd) loses and invents nothing."""
    import tempfile

    raws = [a_mail(str(number), text, at=AT + timedelta(hours=number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.mbox"
        path.write_bytes(boxed(*raws))
        assert found(path) == raws


def test_mail_without_a_date_is_as_old_as_its_envelope_or_its_file_says(tmp_path: Path) -> None:
    """So that it is never taken for today's."""
    stamped, bare = tmp_path / "stamped", tmp_path / "bare.eml"
    stamped.write_bytes(boxed(a_mail("a", at=None), envelope=b"From a@b.test Tue Mar 05 09:22:33 +0000 2024\n"))
    bare.write_bytes(a_mail("b", at=None))
    first, second = mails(indexed([stamped, bare]))
    assert first.around_at == datetime(2024, 3, 5, 9, 22, 33, tzinfo=UTC)
    assert second.around_at == datetime.fromtimestamp(bare.stat().st_mtime, UTC)


def test_a_maildir_gives_all_its_folders_and_nothing_half_delivered(tmp_path: Path) -> None:
    """Also the hidden ones, such as sent mail."""
    for name, folder in (("a", "cur"), ("b", "new"), ("c", "tmp"), ("d", ".Sent/cur"), ("e", ".Sent/tmp")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1700000000.M1.host:2,S").write_bytes(a_mail(name))
    (tmp_path / ".Sent" / "new").mkdir()
    (tmp_path / "dovecot.index.log").write_bytes(b"\x01\x02")
    assert {raw.split(b"@")[0][-1:] for raw in found(tmp_path)} == {b"a", b"b", b"d"}


def test_a_folder_gives_mails_of_all_kinds_and_names_what_is_none(tmp_path: Path) -> None:
    """.eml, mboxes without an ending, and Apple's .emlx."""
    (tmp_path / "one.eml").write_bytes(a_mail("a"))
    (tmp_path / "Archive").write_bytes(boxed(a_mail("b"), a_mail("c")))
    apple = a_mail("d")
    (tmp_path / "2.emlx").write_bytes(b"%d\n" % len(apple) + apple + b"<?xml version='1.0'?><plist/>")
    (tmp_path / "Archive.msf").write_bytes(b"// <!-- <mdb:mork:z v='1.4'/> -->")

    assert sorted(found(tmp_path)) == sorted(map(a_mail, "abcd"))
    assert indexed([tmp_path]).skipped == [(str(tmp_path / "Archive.msf"), "it is no mail")]


def test_what_was_deleted_never_sent_or_spam_is_left_out(tmp_path: Path) -> None:
    """Where the file says so: a draft of ours must not become a reply that nobody got."""
    (tmp_path / "cur").mkdir()
    for name, flags in (("kept", "RS"), ("deleted", "ST"), ("draft", "DS")):
        (tmp_path / "cur" / f"1.{name}:2,{flags}").write_bytes(a_mail(name))
    headers = ("X-Mozilla-Status: 0001", "X-Mozilla-Status: 0009", "X-Gmail-Labels: Inbox,Work", "X-Gmail-Labels: Spam")
    box = (f"{header}\n".encode() + a_mail(str(number)) for number, header in enumerate(headers))
    (tmp_path / "box").write_bytes(boxed(*box))

    index = indexed([tmp_path])
    assert sorted(item.raw.rpartition(b"Subject: ")[2][:4] for item in mails(index)) == [b"0\n\nH", b"2\n\nH", b"kept"]
    assert index.left_out == {"deleted": 2, "a draft": 1, "spam": 1}


def test_a_mail_that_cannot_be_that_large_is_told_and_not_loaded(tmp_path: Path) -> None:
    """A mailbox file whose borders are destroyed must not fill the memory."""
    path = tmp_path / "damaged"
    with path.open("wb") as stream:
        stream.write(boxed(a_mail("a", at=AT - timedelta(days=1)), a_mail("b")))
        stream.truncate(LARGEST + CHUNK)
    tracemalloc.start()
    good, damaged = mails(indexed([path]))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (good.problem, damaged.size > LARGEST, len(damaged.raw) < CHUNK) == ("", True, True)
    assert "more than the 45 a mail may have" in damaged.problem
    assert most < 8 * CHUNK


def test_a_large_mbox_needs_little_memory(tmp_path: Path) -> None:
    """Only date and place of each mail are kept."""
    path = tmp_path / "large"
    with path.open("wb") as stream:
        for number in range(3000):
            stream.write(boxed(a_mail(str(number), "x" * 20_000)))
    tracemalloc.start()
    count = sum(1 for _ in mails(indexed([path])))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, most < 6 * CHUNK) == (3000, True)
