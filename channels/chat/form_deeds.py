"""The short forms of a ticket: resolve, assign, put off, follow up, note, merge, split, and what else can be done."""

from __future__ import annotations

from channels.chat import form_parts as parts
from channels.chat import lists
from channels.chat.blocks import Block, one_line
from channels.chat.controls import MORE, OPEN, offered
from channels.chat.form_parts import Asked, Scene, Step
from channels.chat.telling import as_modal
from rules.holding import handle_of
from rules.model import Actor, AuthorKind, Entry, EntryKind
from rules.wording import Texts, moment

LENGTHS = ("1h", "4h", "1d", "3d", "7d", "14d")
MORNING = "09:00"
TELL = "tell"


def resolve_view(scene: Scene) -> Block:
    """What was done, why it happened, what kind of fault it was, and whether the customer is asked (R-CO-1, R-CO-2)."""
    texts, policy, ticket = scene.texts, scene.policy, scene.ticket
    asked = [
        parts.written("text", texts, hint=texts.say("form_text_hint"), multiline=True),
        parts.written("root_cause", texts, hint=texts.say("form_root_cause_hint")),
        parts.written("fault_type", texts, hint=texts.say("form_fault_type_hint"), optional=True),
    ]
    if policy.categories and ticket:
        asked.append(_categories(scene, ticket.category, optional=True))
    told = (texts.say("form_tell"), TELL)
    asked.append(parts.ticks(TELL, texts.say("form_options"), [told], chosen=(TELL,), hint=texts.say("form_tell_hint")))
    return parts.modal("resolve", scene, asked, "form_submit")


def resolve_read(scene: Scene) -> Step:
    """What was done goes to the customer unless the tick was taken away; why it happened stays inside.

    The form asks for both (R-CO-1). Words in a thread or on the command line may tell what was done alone: they are
    for what needs no record.
    """
    filled, texts = scene.filled, scene.texts
    text = filled.one("text")
    errors = {} if text else {"text": texts.say("form_text_missing")}
    errors |= {} if filled.one("root_cause") else {"root_cause": texts.say("form_root_cause_missing")}
    if errors:
        return Step(errors=errors)
    args = {name: filled.one(name) for name in ("root_cause", "fault_type", "category")}
    if TELL in filled and TELL not in filled.many(TELL):
        args["tell"] = "no"
    args = {name: value for name, value in args.items() if value}
    return Step(asked=(Asked(command="resolve", under="text", args=args, text=text),))


def assign_view(scene: Scene) -> Block:
    """To whom, and why."""
    texts, ticket = scene.texts, scene.ticket
    people = [(person.name, person.key) for person in scene.policy.staff]
    chosen = (ticket.assignee if ticket else "") or ""
    made = [parts.menu("to", texts.say("form_to"), people, chosen=chosen), _reason(texts)]
    return parts.modal("assign", scene, made, "form_save")


def assign_read(scene: Scene) -> Step:
    """The ticket goes to whoever was chosen."""
    to = scene.filled.one("to")
    if not to:
        return _missing(scene, "to")
    return Step(asked=(Asked(command="assign", under="to", args={"to": to}, text=scene.filled.one("reason")),))


def hold_view(scene: Scene) -> Block:
    """Until when, and why."""
    return _put_off_view("hold", scene)


def follow_up_view(scene: Scene) -> Block:
    """When to follow it up, and why."""
    return _put_off_view("follow_up", scene)


def hold_read(scene: Scene) -> Step:
    """The day and time, else the length."""
    return _put_off_read("hold", scene)


def follow_up_read(scene: Scene) -> Step:
    """The day and time, else the length."""
    return _put_off_read("follow_up", scene)


def note_view(scene: Scene) -> Block:
    """A word that stays inside."""
    texts = scene.texts
    made = [parts.written("note_text", texts, hint=texts.say("form_note_text_hint"), multiline=True)]
    return parts.modal("note", scene, made, "form_save")


def note_read(scene: Scene) -> Step:
    """Kept inside."""
    text = scene.filled.one("note_text")
    return Step(asked=(Asked(command="note", under="note_text", text=text),)) if text else _missing(scene, "note_text")


def merge_view(scene: Scene) -> Block:
    """The number of the ticket that lives on."""
    texts, number = scene.texts, scene.ticket.number if scene.ticket else 0
    hint = texts.say("form_into_hint", number=number)
    return parts.modal("merge", scene, [parts.written("into", texts, hint=hint, most=12), _reason(texts)], "form_save")


def merge_read(scene: Scene) -> Step:
    """A number, with or without its sign."""
    given = scene.filled.one("into").lstrip("#").strip()
    if not given.isdecimal() or len(given) > 9:
        return Step(errors={"into": scene.texts.say("form_bad_number", value=given)})
    return Step(asked=(Asked(command="merge", under="into", args={"into": given}, text=scene.filled.one("reason")),))


def split_view(scene: Scene) -> Block:
    """Which of the customer's messages becomes a ticket of its own; the first one is what opened this one."""
    texts, zone = scene.texts, scene.policy.timezone
    options = [(_headline(entry, texts, zone), handle_of(entry.message_key)) for entry in _later_messages(scene)]
    if not options:
        return parts.modal("split", scene, parts.told((texts.say("form_nothing_to_split"),)), "")
    made = [
        parts.menu("message", texts.say("form_message"), options[-100:], chosen=options[-1][1]),
        parts.written("subject", texts, optional=True, most=200),
    ]
    return parts.modal("split", scene, made, "form_save")


def split_read(scene: Scene) -> Step:
    """The message by its short name."""
    chosen = scene.filled.one("message")
    if not chosen:
        return _missing(scene, "message")
    subject = scene.filled.one("subject")
    args = {"value": chosen, **({"subject": subject} if subject else {})}
    return Step(asked=(Asked(command="split", under="message", args=args),))


def more_view(scene: Scene) -> Block:
    """Everything that works now and has no place on the card."""
    ticket, texts = scene.ticket, scene.texts
    controls = offered(ticket, MORE) if ticket else ()
    options = [(texts.say(f"menu_{control.command}"), control.action) for control in controls]
    return parts.modal("more", scene, [parts.choices("choice", texts.say("form_choose"), options)], "form_go")


def more_read(scene: Scene) -> Step:
    """A form in place of this one, or the command at once."""
    chosen = scene.filled.one("choice")
    works = {control.action for control in offered(scene.ticket, MORE)} if scene.ticket else set()
    if chosen not in works:
        return _missing(scene, "choice")
    if chosen.startswith(f"{OPEN}:"):
        name = chosen.partition(":")[2]
        return Step(view=_VIEWS[name](scene))
    if chosen == "why":
        return Step(view=_why_view(scene))
    return Step(asked=(Asked(command=chosen, under="choice"),))


def _why_view(scene: Scene) -> Block:
    """The ticket's story with the reason of every step."""
    person, ticket = scene.person, scene.ticket
    actor = Actor(name=person.name if person else "", staff=person.key if person else None)
    number = ticket.number if ticket else 0
    told = lists.why(actor, number, ticket, scene.entries, scene.policy)
    return as_modal(told, f"#{number}", scene.texts)


def _put_off_view(name: str, scene: Scene) -> Block:
    texts = scene.texts
    lengths = [(texts.say(f"length_{length}"), length) for length in LENGTHS]
    made = [*parts.day_and_time(texts), parts.menu("length", texts.say("form_length"), lengths, optional=True)]
    return parts.modal(name, scene, [*made, _reason(texts)], "form_save")


def _put_off_read(name: str, scene: Scene) -> Step:
    filled = scene.filled
    day, length = filled.one("day"), filled.one("length")
    if not day and not length:
        return Step(errors={"day": scene.texts.say("form_when_missing")})
    until = f"{day}T{filled.one('time') or MORNING}" if day else length
    where = "day" if day else "length"
    return Step(asked=(Asked(command=name, under=where, args={"until": until}, text=filled.one("reason")),))


def _later_messages(scene: Scene) -> list[Entry]:
    wrote = [entry for entry in scene.entries if entry.kind is EntryKind.RECEIVED and entry.message_key]
    gone = {entry.message_key for entry in scene.entries if entry.kind is EntryKind.SPLIT}
    later = [entry for entry in wrote if entry.author.kind is AuthorKind.CUSTOMER][1:]
    return [entry for entry in later if entry.message_key not in gone]


def _headline(entry: Entry, texts: Texts, zone: str) -> str:
    return f"{moment(texts, entry.at, zone)}: {one_line(entry.text[:200])}"


def _categories(scene: Scene, chosen: str, *, optional: bool) -> Block:
    options = [(name, name) for name in scene.policy.categories]
    return parts.menu("category", scene.texts.say("card_category"), options, chosen=chosen, optional=optional)


def _reason(texts: Texts) -> Block:
    return parts.written("reason", texts, hint=texts.say("form_reason_hint"), optional=True, most=500)


def _missing(scene: Scene, name: str) -> Step:
    return Step(errors={name: scene.texts.say("form_missing")})


_VIEWS = {
    "hold": hold_view,
    "follow_up": follow_up_view,
    "note": note_view,
    "merge": merge_view,
    "split": split_view,
}
