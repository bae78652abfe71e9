"""Files on the console page: saved and never opened, attached with their limits told, in HTTP and in a real browser."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData
from playwright.async_api import Dialog, Download, expect

from rules.files import MEGABYTE, STAFF_COUNT_MOST, STAFF_MOST
from rules.model import Attachment, EntryKind
from tests.builders import a_ticket, an_entry
from tests.channels.browser import a_page
from tests.channels.web_desk import PAGE, SmallDesk, a_browser, asking, the_console, the_web

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
)


def a_file(name: str, kind: str, data: bytes, part: int = 2, held: str = "") -> Attachment:
    """A file in Mei Lin's mail."""
    return Attachment(filename=name, content_type=kind, size=len(data), sha256="0" * 64, part=part, held=held)


def with_file(name: str, kind: str, data: bytes, held: str = "") -> SmallDesk:
    """A desk whose ticket 1 has one file in its second journal entry."""
    desk = SmallDesk()
    said = an_entry(1, kind=EntryKind.RECEIVED, text="See this", message_key="mail:2", attachments=(
        a_file(name, kind, data, held=held),
    ))  # fmt: skip
    desk.add(a_ticket(1), an_entry(1), said)
    desk.kept["mail:2", 2] = data
    return desk


@pytest.mark.parametrize(
    ("kind", "served"),
    [
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("text/plain", "text/plain"),
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("application/x-msdownload", "application/octet-stream"),
        ("Nonsense\r\nX-Evil: 1", "application/octet-stream"),
    ],
)
async def test_a_customers_file_is_saved_and_never_opened_as_a_page(kind: str, served: str) -> None:
    """Whatever its sender says that it is: no type that a browser runs, no guessing, and nothing may load from it."""
    data = b"<script>alert(1)</script>"
    async with the_console(with_file('a "b" é.pdf', kind, data)) as client, client.get("/api/file/1/1/0") as response:
        assert (response.status, await response.read()) == (200, data)
        assert response.headers["Content-Type"] == served
        expected = "attachment; filename=\"a _b_ _.pdf\"; filename*=UTF-8''a%20%22b%22%20%C3%A9.pdf"
        assert response.headers["Content-Disposition"] == expected
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert "X-Evil" not in response.headers


async def test_a_program_is_saved_under_a_name_that_nothing_runs() -> None:
    """It is the customer's, so it may be looked at; but not by a double click, and not as what it says it is."""
    desk = with_file("invoice.pdf.exe", "application/pdf", b"MZ", held="a Windows program (.exe)")
    async with the_console(desk) as client, client.get("/api/file/1/1/0") as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert "invoice.pdf.exe.held" in response.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "path", ["/api/file/1/0/0", "/api/file/1/1/1", "/api/file/1/9/0", "/api/file/2/0/0", "/api/file/1/1/-1"]
)
async def test_only_what_stands_in_a_journal_can_be_downloaded(path: str) -> None:
    """A place without a file is not there."""
    async with the_console(with_file("a.pdf", "application/pdf", b"%PDF")) as client, client.get(path) as response:
        assert response.status == 404


async def test_a_file_whose_bytes_are_gone_is_not_there() -> None:
    desk = with_file("a.pdf", "application/pdf", b"%PDF")
    desk.kept.clear()
    async with the_console(desk) as client, client.get("/api/file/1/1/0") as response:
        assert response.status == 404


async def test_files_are_for_staff_only() -> None:
    """Without the cookie, or from another site, nothing is given."""
    desk = with_file("a.pdf", "application/pdf", b"%PDF")
    async with the_web(desk) as web:
        async with a_browser(web, signed_in=False) as stranger, stranger.get("/api/file/1/1/0") as response:
            assert response.status == 401
        other = {"Sec-Fetch-Site": "cross-site"}
        async with a_browser(web) as staff, staff.get("/api/file/1/1/0", headers=other) as response:
            assert response.status == 403


async def sent(client: ClientSession, *files: tuple[str, str, bytes], **changes: Any) -> tuple[int, str]:
    """A command with files, and what came of it; names go as browsers send them."""
    form = FormData(quote_fields=False)
    form.add_field("command", json.dumps(asking(name="reply", text="See this", **changes)))
    for name, kind, data in files:
        form.add_field("file", BytesIO(data), filename=name, content_type=kind)
    async with client.post("/api/command", data=form, headers=PAGE) as response:
        return response.status, await response.text()


async def test_files_come_with_the_command_and_reach_the_desk_whole() -> None:
    """Also large ones, though a command alone may not be that large."""
    desk, large = SmallDesk(), bytes(range(256)) * 8192
    desk.add(a_ticket(1))
    async with the_console(desk) as client:
        status, _ = await sent(client, ("März.pdf", "application/pdf", large), ("a.png", "image/png", PNG))
    assert status == 200
    (command,) = desk.commands
    assert (command.name, command.text) == ("reply", "See this")
    assert [(file.filename, file.content_type, file.data) for file in command.files] == [
        ("März.pdf", "application/pdf", large),
        ("a.png", "image/png", PNG),
    ]


async def test_more_than_one_message_takes_is_refused_with_the_limit() -> None:
    """In bytes and in number; nothing of it reaches the desk."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    half = bytes(STAFF_MOST // 2 + 1)
    async with the_console(desk) as client:
        status, text = await sent(client, ("a", "a/b", half), ("b", "a/b", half))
        assert (status, "20 MB together" in text) == (413, True)
    async with the_console(desk) as client:
        status, text = await sent(client, *[("a", "a/b", b"x")] * (STAFF_COUNT_MOST + 1))
        assert (status, "at most 20 files" in text) == (413, True)
    assert desk.commands == []


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"", "x"),
        (b"garbage", "x"),
        (b"--x\r\n\r\n", "x"),
        (b'--x\r\nContent-Disposition: form-data; name="command"\r\n\r\n{\r\n--x--\r\n', "x"),
        (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n', "x"),
        (b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n", "x"),
        (b"--x--", ""),
    ],
)
async def test_parts_that_make_no_sense_are_refused_in_words(body: bytes, boundary: str) -> None:
    desk = SmallDesk()
    desk.add(a_ticket(1))
    headers = {**PAGE, "Content-Type": f"multipart/form-data; boundary={boundary}".removesuffix("; boundary=")}
    async with the_console(desk) as client, client.post("/api/command", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["refusal"]["text"].strip()
    assert desk.commands == []


async def test_only_a_reply_or_a_note_has_files() -> None:
    """A claim with a file is a mistake, and the file would be lost."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_console(desk) as client:
        form = FormData()
        form.add_field("command", json.dumps(asking()))
        form.add_field("file", b"x", filename="a")
        async with client.post("/api/command", data=form, headers=PAGE) as response:
            assert response.status == 400
    assert desk.commands == []


async def test_a_form_of_another_site_cannot_send_files_in_my_name() -> None:
    """A form can make the parts, but not the header that only our page sends."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_console(desk) as client:
        form = FormData()
        form.add_field("command", json.dumps(asking(name="reply", text="x")))
        form.add_field("file", b"x", filename="a")
        async with client.post("/api/command", data=form) as response:
            assert response.status == 403
    assert desk.commands == []


async def test_a_file_in_the_thread_is_saved_by_a_click_and_a_picture_is_shown_small(tmp_path: Path) -> None:
    """Its size stands beside its name (complaint 65)."""
    async with the_web(with_file("Grüße.png", "image/png", PNG)) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card .open")
        await expect(page.locator("#lines a.file")).to_contain_text(f"📎 Grüße.png ({len(PNG)} bytes)")
        await expect(page.locator("#lines .thumb")).to_have_js_property("naturalWidth", 1)
        async with page.expect_download() as saving:
            await page.click("#lines a.file")
        saved = await saving.value
        assert saved.suggested_filename == "Grüße.png"
        await saved.save_as(tmp_path / "saved.png")
    assert (tmp_path / "saved.png").read_bytes() == PNG


async def test_the_thread_warns_of_a_program_before_it_is_saved() -> None:
    """Its line says why, and a click asks first; without a yes nothing is saved."""
    desk = with_file("x.exe", "application/pdf", b"MZ", held="a Windows program (.exe)")
    asked: list[str] = []
    async with the_web(desk) as web, a_page() as page:

        async def no(dialog: Dialog) -> None:
            asked.append(dialog.message)
            await dialog.dismiss()

        page.on("dialog", no)
        saved: list[Download] = []
        page.on("download", lambda download: saved.append(download))
        await page.goto(web.link)
        await page.click(".card .open")
        line = page.locator("#lines a.file")
        await expect(line).to_contain_text("⚠ held: x.exe (a Windows program (.exe), 2 bytes)")
        await line.click()
        await expect(line).to_be_visible()
    assert "may do harm" in asked[0]
    assert saved == []


async def test_files_are_chosen_dropped_taken_off_and_sent_with_or_without_words(tmp_path: Path) -> None:
    """What is attached can be seen before it is sent, and stays with its ticket."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    desk.add(a_ticket(2))
    (tmp_path / "März.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "wrong.txt").write_bytes(b"wrong")
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card[data-number='1'] .open")
        await expect(page.locator("#limit")).to_have_text("Files up to 20 MB together")
        await page.set_input_files("#files", [tmp_path / "wrong.txt", tmp_path / "März.pdf"])
        await expect(page.locator("#attached li")).to_have_count(2)
        await page.click("#attached li:has-text('wrong.txt') button")
        dropped = await page.evaluate_handle(
            "() => { const bag = new DataTransfer(); bag.items.add(new File(['hello'], 'dropped.txt')); return bag; }"
        )
        await page.dispatch_event("#composer", "drop", {"dataTransfer": dropped})
        await expect(page.locator("#attached li")).to_have_count(2)
        await page.click(".card[data-number='2'] .open")
        await page.wait_for_selector("body[data-thread='2']")
        await expect(page.locator("#attached li")).to_have_count(0)
        await page.click(".card[data-number='1'] .open")
        await page.wait_for_selector("body[data-thread='1']")
        await expect(page.locator("#attached li")).to_contain_text(
            ["📎 März.pdf (8 bytes)", "📎 dropped.txt (5 bytes)"]
        )
        await expect(page.locator("#send")).to_be_enabled()
        await page.click("#send")
        await expect(page.locator("#attached li")).to_have_count(0)
        await expect(page.locator("#send")).to_be_disabled()
    (command,) = desk.commands
    assert (command.name, command.text, command.ticket) == ("reply", "", 1)
    assert [(file.filename, file.data) for file in command.files] == [
        ("März.pdf", b"%PDF-1.7"),
        ("dropped.txt", b"hello"),
    ]


async def test_too_much_is_told_before_anything_is_sent() -> None:
    """The limit is told in words, and what was written stays."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card .open")
        await page.fill("#words", "See this")
        await page.evaluate(
            """size => {
                const bag = new DataTransfer();
                bag.items.add(new File([new Uint8Array(size)], "film.mp4"));
                document.querySelector("#composer").dispatchEvent(new DragEvent("drop", { dataTransfer: bag }));
            }""",
            STAFF_MOST + MEGABYTE,
        )
        await expect(page.locator("#said")).to_have_text(
            "Not attached: film.mp4 (21.0 MB). All files of one message may have 20 MB together."
        )
        await expect(page.locator("#attached li")).to_have_count(0)
        await expect(page.locator("#words")).to_have_value("See this")
    assert desk.commands == []
