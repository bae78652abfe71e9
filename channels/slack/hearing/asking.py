"""Takes in what people ask for in Slack: in a channel of requests, to the bot itself, or by 🎫 on any message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from channels.mail.language import detect
from channels.protocol import Answer
from channels.slack.calls import SlackRefusedError, call
from channels.slack.door import Door
from channels.slack.hearing.parse import Happened, Reacted, Said, SharedFile
from channels.slack.hearing.text import mentioned, plain_text, without_mention
from rules.effects import Whisper
from rules.model import Actor, Address, Command, Entry, EntryKind, InChat, Message, Refusal

CHANNEL = "chat"
CONTEXT_MOST = 20
"""So many messages before the one that a ticket is made of are quoted with it."""

_CONTEXT_LONGEST = 8000


class Asking:
    """Words of those who ask become the desk's messages. Serves ``channels.slack.hearing.inbox.TakesIn``."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def take(self, happened: Said | Reacted) -> bool:
        """Take in what somebody asks, or goes on to say about it; False for what is said in a ticket's own thread."""
        door = self._door
        if isinstance(happened, Reacted):
            if door.policy().chat.asks_by(happened.emoji) != "open":
                return False
            if happened.added:
                await make_ticket(door, channel=happened.channel, ts=happened.ts, user=happened.user)
            return True
        return await self._take_in(happened)

    async def _take_in(self, said: Said) -> bool:
        door = self._door
        if not await self._is_ours(said):
            return False
        actor = await door.people.actor(said.user)
        if await self._is_order(said, actor):
            return False
        unsaid = said.happened is Happened.DELETED
        if not unsaid and not said.text.strip() and not said.files:
            return True
        place = InChat(place=said.target, edition=said.edition, unsaid=unsaid, direct=said.direct)
        message = await self._message(said, actor, place)
        await door.run(door.hearing.receive, message)
        return True

    async def _is_ours(self, said: Said) -> bool:
        """Whether it is said to ask for something: in a thread where somebody asked, or where requests are heard."""
        door = self._door
        number = await door.run(door.hearing.ticket_of_thread, said.room)
        if number is not None:
            return await is_asked_in(door, number, said.room)
        if said.direct:
            return door.policy().chat.direct_requests
        return said.channel in door.policy().chat.requests and not said.thread

    async def _is_order(self, said: Said, actor: Actor) -> bool:
        """Whether a staff member gives the bot an order in the thread of somebody who asked."""
        door = self._door
        if not actor.staff or not said.thread or door.own_user() not in mentioned(said.text):
            return False
        number = await door.run(door.hearing.ticket_of_thread, said.room)
        ticket = await door.run(door.looking.ticket, number) if number is not None else None
        return ticket is not None and ticket.asker != said.user

    async def _message(self, said: Said, actor: Actor, place: InChat) -> Message:
        door = self._door
        files = await door.files.fetch(said.files) if said.files and said.happened is Happened.POSTED else ()
        text = await readable(door, said.text)
        return _message(
            door, key=f"ask:{said.key}", sender=sender_of(actor, door.team()), asker=said.user, room=said.room,
            text=text, place=place, files=files,
        )  # fmt: skip


class Directions:
    """Tells who calls the bot where it hears no requests how to ask. Serves ``inbox.TakesIn``, as the last one."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def take(self, happened: Said | Reacted) -> bool:
        """Say so to them alone; nothing else follows from their words."""
        door = self._door
        if not isinstance(happened, Said) or happened.happened is not Happened.POSTED or happened.direct:
            return False
        if door.own_user() not in mentioned(happened.text):
            return False
        emoji = next(iter(door.policy().chat.emoji.get("open", ())), "ticket")
        content = Whisper(to=happened.user, text=door.texts.say("ask_how", emoji=emoji))
        door.whisper(happened.channel, happened.thread, content)
        return True


async def is_asked_in(door: Door, number: int, room: str) -> bool:
    """Whether whoever asked for a ticket reads a thread: it is theirs, or hangs on words of theirs.

    Any other thread of it is staff's, such as that of a card which somebody deleted.
    """
    ticket = await door.run(door.looking.ticket, number)
    if ticket is None or ticket.chat_thread == room:
        return False
    if room == ticket.asked_in or room in ticket.also_asked_in:
        return True
    for other in ticket.linked:
        merged = await door.run(door.looking.ticket, other)
        if merged is not None and merged.merged_into == number and merged.asked_in == room:
            return True
    if not ticket.asked_in:
        return False
    entries: tuple[Entry, ...] = await door.run(door.looking.entries, number)
    return any(entry.place == room and entry.kind is EntryKind.RECEIVED for entry in entries)


async def readable(door: Door, wire: str) -> str:
    """What somebody typed, with names for mentions and without that of the bot."""
    names = await door.people.names(mentioned(wire))
    return plain_text(without_mention(wire, door.own_user()), names)


def sender_of(actor: Actor, team: str) -> Address:
    """Who asks: by their address where Slack vouches for one, else by their place in the workspace."""
    return Address(email=(actor.email or f"slack:{team}:{actor.user}").lower(), name=actor.name)


async def make_ticket(
    door: Door, *, channel: str, ts: str, user: str, chosen: Mapping[str, str] | None = None,
    details: Mapping[str, str] | None = None, answer_at: str = "",
) -> Answer:  # fmt: skip
    """Make a ticket of a message, for whoever wrote it, answered in that message's thread; ``user`` asks for it.

    ``answer_at`` is where to tell them what became of it in a channel that the bot is no member of. Twice is the same
    ticket. Staff may, and who wrote it; of a robot's message whoever asks for the ticket is the one who is answered.
    They are told the number, or why not. Raises DeliveryError when Slack cannot be asked now, StoreUnavailableError
    when nothing could be written down.
    """
    found = await _look_up(door, channel, ts)
    thread = str(found.get("thread_ts") or ts)
    answer = await _made(door, found, channel, ts, thread, user, InChat(chosen=chosen or {}), details or {})
    texts = door.texts
    if answer.refusal:
        told = answer.refusal.text
    else:
        known = answer.outcome in ("already", "duplicate", "known")
        told = texts.say("ticket_made_before" if known else "ticket_made", number=answer.ticket or 0)
    content = Whisper(to=user, text=told, ticket=answer.ticket)
    door.whisper(channel, "" if thread == ts else thread, content, answer_at)
    return answer


async def _made(
    door: Door, found: Mapping[str, Any], channel: str, ts: str, thread: str, user: str, how: InChat,
    details: Mapping[str, str],
) -> Answer:  # fmt: skip
    room, place = f"{channel}:{thread}", f"{channel}:{ts}"
    for name in (room, place):
        if (number := await door.run(door.hearing.ticket_of_thread, name)) is not None:
            return Answer(ticket=number, outcome="already")
    if not found:
        return Answer(refusal=Refusal(code="hidden", text=door.texts.say("refused_hidden_message")))
    actor, author = await door.people.actor(user), str(found.get("user") or "")
    asker = user if found.get("bot_id") or author in ("", door.own_user()) else author
    if not actor.staff and asker != user:
        return Answer(refusal=Refusal(code="stranger", text=door.texts.say("refused_make", name=actor.name)))
    sender = sender_of(actor if asker == user else await door.people.actor(asker), door.team())
    shared = [SharedFile.read(file) for file in found.get("files") or () if file.get("mode") != "tombstone"]
    said_in = InChat(
        place=place, direct=channel.startswith("D"), by=actor.staff or user, chosen=how.chosen,
    )  # fmt: skip
    message = _message(
        door, key=f"ask:slack:{door.team()}:{place}", sender=sender, asker=asker, room=room,
        text=await readable(door, _text_of(found)), place=said_in, details=details,
        context=await _context(door, channel, thread, ts) if thread != ts else "",
        files=await door.files.fetch(shared) if shared else (),
    )  # fmt: skip
    outcome = await door.run(door.hearing.receive, message)
    return Answer(ticket=await door.run(door.hearing.ticket_of_thread, room), outcome=outcome)


async def ask_by_form(
    door: Door, command: Command, view: str, *, details: Mapping[str, str], chosen: Mapping[str, str]
) -> Answer:
    """Open the ticket that somebody described in a form, for themselves; it is answered in what they say to the bot.

    One form opens one ticket, however often it is sent in. Raises DeliveryError and StoreUnavailableError.
    """
    key = f"ask:slack:{door.team()}:{view}"
    if not await door.run(door.inbox.unheard, (key,)):
        return Answer(outcome="duplicate")
    subject, actor = " ".join(command.args.get("subject", "").split()), command.actor
    place = await _opened_talk(door, actor.user, "\n".join(filter(None, (subject, command.text))))
    message = _message(
        door, key=key, sender=sender_of(actor, door.team()), asker=actor.user, room=place, text=command.text,
        place=InChat(place=place, direct=True, by=actor.user, chosen=chosen), details=details, subject=subject,
    )  # fmt: skip
    outcome = await door.run(door.hearing.receive, message)
    return Answer(ticket=await door.run(door.hearing.ticket_of_thread, place), outcome=outcome)


async def _opened_talk(door: Door, user: str, text: str) -> str:
    """The place of a message to somebody that repeats what they asked, so that answers have a thread to go to."""
    opened = await call("conversations.open", door.client.conversations_open(users=user), repeatable=True)
    channel = str((opened.get("channel") or {}).get("id") or "")
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    asked = door.client.chat_postMessage(
        channel=channel, text=shown[:3000], parse="none", unfurl_links=False, unfurl_media=False
    )
    posted = await call("chat.postMessage", asked, repeatable=False)
    return f"{posted.get('channel') or channel}:{posted['ts']}"


def _message(
    door: Door, *, key: str, sender: Address, asker: str, room: str, text: str, place: InChat,
    details: Mapping[str, str] | None = None, context: str = "", files: tuple[Any, ...] = (), subject: str = "",
) -> Message:  # fmt: skip
    now, said_at = door.now(), _moment(place.edition or place.place.rpartition(":")[2])
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return Message(
        key=key, channel=CHANNEL, sender=sender, subject=subject or first_line or (files[0].filename if files else ""),
        text=text, reply_text=text, quoted_text=context, received_at=now, language=detect(text), asker=asker,
        arrived_at=said_at if said_at and said_at < now else None, room=room, details=details or {}, in_chat=place,
        files=files,
    )  # fmt: skip


def _moment(ts: str) -> datetime | None:
    """When something was said, as its time stamp tells it."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text_of(message: Mapping[str, Any]) -> str:
    """The words of a message; of a robot's that has none, those of its attachments."""
    told = [str(message.get("text") or "")]
    if not told[0]:
        told = [str(one.get("fallback") or one.get("text") or "") for one in message.get("attachments") or ()]
    return "\n".join(filter(None, told))


async def _look_up(door: Door, channel: str, ts: str) -> Mapping[str, Any]:
    """One message; of one that stands in no thread some servers tell only in the channel's history."""
    found = await door.history.message(channel, ts)
    if found:
        return found
    asked = door.client.conversations_history(channel=channel, oldest=ts, latest=ts, inclusive=True, limit=1)
    try:
        answer = await call("conversations.history", asked, repeatable=True)
    except SlackRefusedError:
        return {}
    messages: list[dict[str, Any]] = answer.get("messages") or []
    return next((message for message in messages if message.get("ts") == ts), {})


async def _context(door: Door, channel: str, thread: str, ts: str) -> str:
    """What was said in a thread before a message, as far as Slack shows it."""
    asked = door.client.conversations_replies(channel=channel, ts=thread, latest=ts, inclusive=False, limit=200)
    try:
        answer = await call("conversations.replies", asked, repeatable=True)
    except SlackRefusedError:
        return ""
    before = [one for one in answer.get("messages") or () if one.get("user") and float(one["ts"]) < float(ts)]
    lines = []
    for one in before[-CONTEXT_MOST:]:
        actor = await door.people.actor(str(one["user"]))
        lines.append(f"{actor.name}: {await readable(door, _text_of(one))}")
    return "\n".join(lines)[-_CONTEXT_LONGEST:]
