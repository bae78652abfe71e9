"""A table of old tickets is read however it was written, and everything that is wrong with it is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.importing_csv import Table, TableError
from tests.stage import MONDAY, a_policy

HEAD = "ticket,subject,status,opened_at,closed_at,priority,customer_email,at,by,kind,text"
PRINTER = "4711,Printer,closed,2024-03-01 09:00,2024-03-03,P2,alice@customer.test,,,,It prints nothing."


def a_table(folder: Path, text: str, *, encoding: str = "utf-8", **options: Any) -> Table:
    """A table in a file, read at the desk."""
    path = folder / "old.csv"
    path.write_bytes(text.encode(encoding))
    return Table(path, a_policy(), MONDAY, **options)


def tickets(table: Table) -> list[dict[str, Any]]:
    """The good tickets of a table, after all were checked."""
    table.check()
    return [dict(item.ticket or {}) for item in table.items()]


def problems(table: Table) -> list[str]:
    """What is wrong with it, without the file's name."""
    return [problem.partition("old.csv:")[2] for problem in table.check().told]


def test_one_row_is_a_ticket_with_its_first_message(tmp_path: Path) -> None:
    """Dates without an offset are in the desk's time zone."""
    (ticket,) = tickets(a_table(tmp_path, f"{HEAD}\n{PRINTER}\n"))
    told = {"at": "2024-03-01T09:00:00+08:00", "kind": "customer", "by": "", "text": "It prints nothing."}
    assert ticket["messages"] == [{**told, "message_id": ""}]
    assert (ticket["number"], ticket["status"], ticket["priority"]) == ("4711", "closed", "P2")
    assert ticket["closed_at"] == "2024-03-03T00:00:00+08:00"


def test_rows_below_go_on_with_the_ticket(tmp_path: Path) -> None:
    """With its number again, as exports write it, or without; who wrote says whose words they are."""
    more = [
        "4711,Printer,closed,2024-03-01 09:00,2024-03-03,P2,alice@customer.test,2024-03-01 10:00,ana,,New toner.",
        ',,,,,,,2024-03-01 11:00,Bob,note,"She called,\ntoo."',
        ",,,,,,,2024-03-01 12:00,alice@customer.test,,Thanks.",
    ]
    (ticket,) = tickets(a_table(tmp_path, "\n".join([HEAD, PRINTER, *more])))
    said = [(line["kind"], line["text"]) for line in ticket["messages"]]
    assert said[1:] == [("staff", "New toner."), ("note", "She called,\ntoo."), ("customer", "Thanks.")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_separators_are_told_from_the_first_line(tmp_path: Path, delimiter: str) -> None:
    """Excel writes semicolons where a comma stands in numbers, and may say so above everything."""
    text = f"sep={delimiter}\r\n" + f"{HEAD}\r\n{PRINTER}\r\n".replace(",", delimiter)
    (ticket,) = tickets(a_table(tmp_path, text))
    assert ticket["subject"] == "Printer"


@pytest.mark.parametrize(
    ("encoding", "word"),
    [("utf-8", "打印机"), ("utf-8-sig", "打印机"), ("utf-16", "打印机"), ("gb18030", "打印机坏了，请帮忙"),
     ("cp1252", "Drucker für Größe Ä")],
)  # fmt: skip
def test_other_encodings_are_told_from_the_bytes(tmp_path: Path, encoding: str, word: str) -> None:
    """What Excel writes in China and in Europe, and with its mark."""
    table = a_table(tmp_path, f"{HEAD}\n{PRINTER.replace('Printer', word)}\n", encoding=encoding)
    (ticket,) = tickets(table)
    assert ticket["subject"] == word


def test_an_encoding_can_be_said(tmp_path: Path) -> None:
    """Where the bytes leave it open."""
    path = tmp_path / "old.csv"
    path.write_bytes(f"{HEAD}\n{PRINTER.replace('Printer', 'Принтер')}\n".encode("koi8-r"))
    (ticket,) = tickets(Table(path, a_policy(), MONDAY, encoding="koi8-r"))
    assert ticket["subject"] == "Принтер"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024/03/01 9:05", "2024-03-01T09:05:00+08:00"),
        ("01.03.2024 09:05:07", "2024-03-01T09:05:07+08:00"),
        ("2024-03-01T09:05:00Z", "2024-03-01T09:05:00+00:00"),
        ("2024-03-01", "2024-03-01T00:00:00+08:00"),
    ],
)
def test_dates_are_read_as_tables_write_them(tmp_path: Path, written: str, meant: str) -> None:
    """Year or day first; which of 03/04 is the month nobody can know, so that is no date."""
    (ticket,) = tickets(a_table(tmp_path, f"{HEAD}\n{PRINTER.replace('2024-03-01 09:00', written)}\n"))
    assert ticket["opened_at"] == meant


def test_states_of_other_desks_are_known_and_values_can_be_read_as_others(tmp_path: Path) -> None:
    """`Pending` waits for the customer; what only they know, the owner says."""
    row = PRINTER.replace("closed", "Pending").replace("P2", "High").replace("2024-03-03", "")
    (ticket,) = tickets(a_table(tmp_path, f"{HEAD}\n{row}\n", maps=("priority:high=P1",)))
    assert (ticket["status"], ticket["priority"]) == ("waiting", "P1")


def test_everything_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    """All of it at once; the good tickets stay good."""
    rows = [
        "1,A,closed,2024-03-01,2024-02-01,P9,alice@customer.test,,,,x",
        "2,B,shut,yesterday,,P1,nobody,,,,x",
        '3,C,closed,2024-03-01,,P1,a@b.test,,,,"two\nlines"',
        "1,A,closed,2024-03-01,,P1,alice@customer.test,,,,again",
        "4,D,closed,2030-01-01,,P1,,,,,x",
        "5,E,closed,2024-03-01,,P1,a@b.test,,,,x,surplus",
        "6,F,closed,31.02.2024,,P1,a@b.test,,,,x",
        "7,G,closed,2024-03-01,,P1,a@b.test,,,shouted,x",
        ",other,,,,,,,,,no date",
        "8,H,closed,2024-03-01,,P1,a@b.test,,,,x",
    ]
    table = a_table(tmp_path, "\n".join([HEAD, *rows]))
    told = problems(table)

    expected = [
        "2: it was closed (2024-02-01) before it was opened (2024-03-01)",
        '2: priority: "P9" is not known; there are: P1, P2, P3, P4 (or read it as one of them: --map priority:P9=...)',
        '3: opened_at: "yesterday" is no date; write it like 2024-01-31 14:05',
        '3: status: "shut" is not known',
        '3: customer_email: "nobody" is no mail address',
        "6: ticket 1 stands in line 2 already; rows of one ticket stand together",
        '7: opened_at: "2030-01-01" is still to come',
        "7: it has neither customer_email nor customer_name",
        "8: it has 12 cells, and there are 11 columns",
        '9: opened_at: "31.02.2024" is no date; write it like 2024-01-31 14:05',
        '10: kind: "shouted" is not known',
        '11: subject is "other", and "G" in line 10; it is one ticket',
        "11: the words have no date in the column at",
    ]
    assert [line for line in expected if not any(one.startswith(line) for one in told)] == []
    assert len(told) == len(expected)
    assert [ticket["number"] for ticket in tickets(table)] == ["3", "8"]


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    """It swallows the rest of the file, so the line where it began is what helps."""
    text = "\n".join([HEAD, PRINTER, PRINTER.replace("4711", "2").replace("It", '"It'), PRINTER.replace("4711", "3")])
    told = problems(a_table(tmp_path, text))
    assert told == ["3: it cannot be read: unexpected end of data; is a quote missing?"]


def test_more_problems_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    """The first fifty are told."""
    rows = [f"{number},A,closed,never,,P1,a@b.test,,,,x" for number in range(200)]
    found = a_table(tmp_path, "\n".join([HEAD, *rows])).check()
    assert (len(found.told), found.count) == (50, 200)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("ticket,subject,opend_at,customer_email", 'the column "opend_at" is not known; did you mean "opened_at"?'),
        ("ticket,subject,customer_email", 'the column "opened_at" is missing'),
        ("ticket,ticket,subject,opened_at,customer_email", 'there are two columns "ticket"'),
        ("", "there is nothing in it"),
    ],
)
def test_wrong_columns_are_told_with_what_there_is(tmp_path: Path, head: str, told: str) -> None:
    """Before anything is read."""
    with pytest.raises(TableError, match=told.replace("?", r"\?")):
        a_table(tmp_path, f"{head}\n1,2,3\n" if head else "")


def test_columns_of_other_names_are_named_anew_or_left_out(tmp_path: Path) -> None:
    """So that what another desk wrote need not be edited."""
    head = HEAD.replace("ticket", "Ticket ID").replace("customer_email", "Caller").replace("text", "Words")
    columns = ("ticket id=ticket", "Caller=customer_email", "Words=")
    (ticket,) = tickets(a_table(tmp_path, f"{head}\n{PRINTER}\n", columns=columns))
    assert (ticket["number"], ticket["customer_email"], ticket["messages"]) == ("4711", "alice@customer.test", [])
    with pytest.raises(TableError, match="is not OLD=NEW with one of: assignee"):
        a_table(tmp_path, f"{head}\n", columns=("Caller=who",))


@pytest.mark.parametrize("wrong", ["High=P1", "colour:red=blue", "priority:High"])
def test_a_wrong_map_is_told(tmp_path: Path, wrong: str) -> None:
    """It names a column, an old value and a new one."""
    with pytest.raises(TableError, match="is not COLUMN:OLD=NEW"):
        a_table(tmp_path, f"{HEAD}\n", maps=(wrong,))


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    """A table that nobody can read is not guessed at."""
    path = tmp_path / "old.csv"
    path.write_bytes(HEAD.encode() + b"\n\x81\x8d\xff\xfe\x90")
    with pytest.raises(TableError, match="nobody can tell how it is written"):
        Table(path, a_policy(), MONDAY)
    with pytest.raises(TableError, match="not written in klingon"):
        Table(path, a_policy(), MONDAY, encoding="klingon")
