"""The commands that ask or tell a desk something: ticket, why, digest, quarantine, loops, outbox, verify, archive."""

from __future__ import annotations

import mimetypes
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bot import showing
from bot.cli import BAD, answers, common, fail, read_config, tell
from bot.office import Request
from rules.files import STAFF_MOST

STAFF = click.option("--as", "by", required=True, metavar="STAFF", help="Who does it: a staff key, name or address.")
TEXT = click.option("--text", required=True, metavar="TEXT", help="The words; - reads them from standard input.")


def add_to(main: click.Group) -> None:
    """Put these commands on the command line."""
    for command in (ticket, why, digest, quarantine, loops, outbox, verify, archive, reconcile):
        main.add_command(command)


def packed(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Files as a request carries them; of more than one message takes, only the names, for the desk to refuse."""
    large = sum(path.stat().st_size for path in paths) > STAFF_MOST
    return [
        {
            "filename": path.name,
            "content_type": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            **({"problem": "large"} if large else {"data": b64encode(path.read_bytes()).decode("ascii")}),
        }
        for path in paths
    ]


def words(text: str) -> str:
    """The text given, or standard input for ``-``."""
    return sys.stdin.read() if text == "-" else text


@click.group()
def ticket() -> None:
    """See tickets, open one, and all that staff can do in chat."""


@ticket.command("list")
@common
def ticket_list(config_path: Path, as_json: bool) -> None:
    """Every ticket, in all states."""
    tell(config_path, Request(name="ticket list"), as_json=as_json, show=showing.ticket)


@ticket.command("show")
@click.argument("number", type=int)
@common
def ticket_show(number: int, config_path: Path, as_json: bool) -> None:
    """One ticket with its journal."""
    tell(config_path, Request(name="ticket show", args={"number": number}), as_json=as_json, show=showing.story)


@ticket.command("search")
@click.argument("query")
@click.option("--limit", "-k", type=click.IntRange(1, 100), default=10, show_default=True, help="At most so many.")
@common
def ticket_search(query: str, limit: int, config_path: Path, as_json: bool) -> None:
    """Find tickets by words, live and archived; "words in quotation marks" stand together."""
    request = Request(name="ticket search", args={"words": query, "limit": limit})
    tell(config_path, request, as_json=as_json, show=showing.found, nothing="No ticket has all these words.")


@ticket.command("open")
@click.option("--from", "sender", required=True, metavar="ADDRESS", help="Whose request it is.")
@click.option("--subject", required=True)
@TEXT
@common
def ticket_open(sender: str, subject: str, text: str, config_path: Path, as_json: bool) -> None:
    """Open a ticket as if the customer had written."""
    args = {"from": sender, "subject": subject, "text": words(text)}
    tell(config_path, Request(name="ticket open", args=args), as_json=as_json, show=showing.outcome)


def _staff_command(name: str, help_text: str, *options: Callable[..., Any], needs_text: bool = False) -> None:
    """Add ``deskbell ticket NAME NUMBER --as STAFF``, which gives the staff command of that name."""

    @common
    def command(number: int, by: str, config_path: Path, as_json: bool, **args: Any) -> None:
        given = {key: value for key, value in args.items() if value is not None}
        if "text" in given:
            given["text"] = words(given["text"])
        if "files" in given:
            given["files"] = packed(given["files"])
        request = Request(name=f"ticket {name}", args={"number": number, "as": by, **given})
        tell(config_path, request, as_json=as_json, show=showing.outcome)

    text = TEXT if needs_text else click.option("--text", default=None, help="Why, for the journal; - reads it.")
    for option in (*options, text, STAFF):
        command = option(command)
    command = click.argument("number", type=int)(command)
    ticket.command(name.replace("_", "-"), help=help_text)(command)


_NOW = click.option("--now", is_flag=True, help="Without the undo hold.")
_UNTIL = click.option("--until", required=True, help="A moment (2026-03-23T14:00+08:00) or a length (3d, 2h).")
_REPLY = click.option("--reply", required=True, metavar="KEY", help="The held reply, such as 17:reply:1.")

_FILE = click.option(
    "--file", "files", multiple=True, metavar="PATH", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Attach this file; may be given again.",
)  # fmt: skip

_staff_command("reply", "Answer the customer by mail.", _NOW, _FILE, needs_text=True)
_staff_command("note", "Leave a note that stays inside.", _FILE, needs_text=True)
_staff_command("claim", "Take the ticket.")
_staff_command("assign", "Give the ticket to somebody.", click.option("--to", required=True, metavar="STAFF"))
_staff_command("priority", "Change the priority.", click.option("--value", required=True, metavar="PRIORITY"))
_staff_command("category", "Change the category.", click.option("--value", required=True, metavar="CATEGORY"))
_staff_command("wait", "Wait for the customer.")
_staff_command("hold", "Put it off until an agreed time.", _UNTIL)
_staff_command("follow_up", "Follow it up at a time; its clock runs on.", _UNTIL)
_staff_command("resume", "Go on with a ticket that waits or is put off.")
_staff_command("taken", "Answer an escalation: I have it.")
_staff_command("snooze", "Put its pings off for a while.", click.option("--value", default=None, metavar="LENGTH"))
_staff_command("send_now", "End the undo hold of a reply.", _REPLY)
_staff_command("withdraw", "Take a held reply back.", _REPLY)
_staff_command(
    "resolve", "Say that it is solved, and how; the customer is asked to confirm.",
    click.option("--root-cause", default=None), click.option("--fault-type", default=None),
    click.option("--category", default=None), _NOW, needs_text=True,
)  # fmt: skip
_staff_command("reopen", "Open a ticket that was done again.")
_staff_command("close", "Close a resolved ticket without waiting for the customer.")
_staff_command("spam", "Close a ticket as spam, without a word to its sender.")
_staff_command(
    "merge", "Let a ticket live on in another one; its mail goes there from then on.",
    click.option("--into", required=True, metavar="NUMBER", help="The ticket that lives on."),
)  # fmt: skip
_staff_command(
    "split", "Make one message of a customer a ticket of its own.",
    click.option("--entry", default=None, metavar="PLACE", help="Its place in the journal, as `ticket show` counts."),
    click.option("--last", is_flag=True, help="The last one."),
    click.option("--subject", default=None, help="The new ticket's subject."),
)  # fmt: skip


@click.command(short_help="A ticket's whole story, with the reasons.")
@click.argument("number", type=int)
@common
def why(number: int, config_path: Path, as_json: bool) -> None:
    """A ticket's whole story, with the reason of every automatic step."""
    tell(config_path, Request(name="why", args={"number": number}), as_json=as_json, show=showing.reasons)


@click.command()
@click.option("--period", type=click.Choice(["day", "week", "month", "quarter"]), required=True)
@click.option("--at", metavar="ISO", help="As it would be sent at this moment; now if left out.")
@click.option("--html", "html_path", type=click.Path(path_type=Path, dir_okay=False), help="Write its HTML here.")
@common
def digest(period: str, at: str | None, html_path: Path | None, config_path: Path, as_json: bool) -> None:
    """What a manager would get, without sending it."""
    if at and not _is_moment(at):
        fail(f'--at: "{at}" is not a moment; write it like 2026-03-23T14:00+08:00.', BAD)
    request = Request(name="digest", args={"period": period, "at": at})

    def show(line: dict[str, Any]) -> str:
        if html_path:
            html_path.write_text(line["html"], encoding="utf-8")
        return f"{line['subject']}\n\n{line['text']}"

    if as_json and html_path:
        for line in answers(read_config(config_path), request):
            if "html" in line:
                html_path.write_text(line["html"], encoding="utf-8")
    tell(config_path, request, as_json=as_json, show=show)


def _is_moment(text: str) -> bool:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


@click.group(short_help="Messages that wait for a person's word, or for a fix.")
def quarantine() -> None:
    """Messages that wait for a person: to mend a bug of ours, or to say who sent them."""


@quarantine.command("list")
@common
def quarantine_list(config_path: Path, as_json: bool) -> None:
    """What waits, oldest first."""
    tell(
        config_path,
        Request(name="quarantine list"),
        as_json=as_json,
        show=showing.quarantined,
        nothing="Nothing waits.",
    )


@quarantine.command("show")
@click.argument("key")
@common
def quarantine_show(key: str, config_path: Path, as_json: bool) -> None:
    """One message: what went wrong, and the message as received."""
    tell(config_path, Request(name="quarantine show", args={"key": key}), as_json=as_json, show=showing.held)


@quarantine.command("requeue")
@click.argument("key", required=False)
@click.option("--all", "everything", is_flag=True, help="All that waits.")
@common
def quarantine_requeue(key: str | None, everything: bool, config_path: Path, as_json: bool) -> None:
    """Receive a message again, after the fix."""
    if bool(key) == everything:
        fail("Say which message (its KEY), or --all.", BAD)
    request = Request(name="quarantine requeue", args={"key": key, "all": everything})
    tell(config_path, request, as_json=as_json, show=showing.outcome)


@click.group(short_help="Where automatic mail is held back, and a word on it.")
def loops() -> None:
    """Loops with other machines: where automatic mail is held back, and a person's word on it."""


@loops.command("list", short_help="Where it is held back or let pass, and what was too much.")
@click.option("--all", "everything", is_flag=True, help="All that is counted, also what is far from any limit.")
@common
def loops_list(everything: bool, config_path: Path, as_json: bool) -> None:
    """Addresses, domains and tickets that were blocked, let pass or too busy, of which staff were told."""
    told = "Nothing is counted." if everything else "Nothing is held back; --all tells what is counted."
    tell(
        config_path,
        Request(name="loops list", args={"all": everything}),
        as_json=as_json,
        show=showing.tally,
        nothing=told,
    )


def _word_on(group: click.Group, name: str, help_text: str, short: str | None = None) -> None:
    """Add ``deskbell GROUP NAME KEY --as STAFF``: a person's word on what waits or is counted under that key."""

    @common
    def command(key: str, by: str, config_path: Path, as_json: bool) -> None:
        request = Request(name=f"{group.name} {name}", args={"value": key, "as": by})
        tell(config_path, request, as_json=as_json, show=showing.outcome)

    group.command(name, help=help_text, short_help=short)(click.argument("key")(STAFF(command)))


_word_on(
    quarantine, "admit", "Believe the sender of a suspect message: it joins its ticket, or opens one.",
    "Believe the sender: it joins its ticket, or opens one.",
)  # fmt: skip
_word_on(quarantine, "separate", "Make a suspect message a ticket of its own.")
_word_on(
    loops, "unblock", "Let automatic answers pass for an hour.\n\n"
    "KEY is such as address:ana@example.net, domain:example.net or ticket:17.",
)  # fmt: skip
_word_on(loops, "block", "Give no automatic answer there any more.")


@click.group(short_help="Mails and chat posts on their way, or stuck.")
def outbox() -> None:
    """What the desk owes: mails and chat posts that are on their way or wait for a person."""


@outbox.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was delivered or withdrawn.")
@common
def outbox_list(everything: bool, config_path: Path, as_json: bool) -> None:
    """What is queued, being sent, uncertain or failed."""
    told = "Nothing was ever owed." if everything else "Nothing waits to be sent; --all tells what is done."
    request = Request(name="outbox list", args={"all": everything})
    tell(config_path, request, as_json=as_json, show=showing.owed, nothing=told)


@outbox.command("retry")
@click.argument("key")
@common
def outbox_retry(key: str, config_path: Path, as_json: bool) -> None:
    """Send a failed or uncertain effect again."""
    tell(config_path, Request(name="outbox retry", args={"key": key}), as_json=as_json, show=showing.owed)


@outbox.command("drop")
@click.argument("key")
@common
def outbox_drop(key: str, config_path: Path, as_json: bool) -> None:
    """Never send a failed or uncertain effect."""
    tell(config_path, Request(name="outbox drop", args={"key": key}), as_json=as_json, show=showing.owed)


@click.command()
@common
def verify(config_path: Path, as_json: bool) -> None:
    """Check every checksum and reference of the store."""
    tell(config_path, Request(name="verify"), as_json=as_json, show=showing.verified)


@click.command(short_help="Put tickets closed long ago into the archive.")
@click.option("--before", type=click.DateTime(), required=True, help="Tickets untouched since then, in UTC.")
@common
def archive(before: datetime, config_path: Path, as_json: bool) -> None:
    """Put tickets that are closed and untouched since a day into the archive; they are read and opened as before."""
    request = Request(name="archive", args={"before": before.replace(tzinfo=UTC).isoformat()})
    tell(config_path, request, as_json=as_json, show=showing.archived)


@click.command(short_help="Each mailbox on its server against the ledger.")
@common
def reconcile(config_path: Path, as_json: bool) -> None:
    """Each mailbox on its server against the ledger; exit 1 unless every message is explained."""
    told = "No mailbox is read by IMAP, so there is nothing to compare."
    tell(config_path, Request(name="reconcile"), as_json=as_json, show=showing.proof, nothing=told)
