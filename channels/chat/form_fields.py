"""The forms that ask for fields: a new ticket, what a category needs to know, and what is changed on a ticket."""

from __future__ import annotations

from collections.abc import Mapping

from channels.chat import form_parts as parts
from channels.chat.blocks import Block
from channels.chat.form_parts import Asked, Scene, Step
from rules.asked import DETAIL, label_of
from rules.policy import FormField

BY_MAIL = "by_mail"
_SUBJECT_MOST = 200


def new_view(scene: Scene) -> Block:
    """A new ticket: staff open it for somebody, others for themselves; the category says what else is asked."""
    texts, policy = scene.texts, scene.policy
    whom = parts.written("for", texts, hint=texts.say("form_for_hint"), most=254, optional=True)
    made = [whom] if scene.person else []
    made += [
        parts.written("subject", texts, most=_SUBJECT_MOST, initial=scene.memory.value),
        parts.written("request", texts, multiline=True),
    ]
    category = _category_now(scene, "")
    if policy.categories:
        made.append(_categories(scene, category, optional=True))
    made += detail_fields(scene, category, {})
    made += _judged(scene)
    if not scene.person and policy.chat.answers_by_mail == "ask":
        box = (texts.say("form_by_mail"), BY_MAIL)
        made.append(parts.ticks(BY_MAIL, texts.say("form_options"), [box]))
    return parts.modal("new", scene, made, "form_open")


def new_read(scene: Scene) -> Step:
    """What is asked for, as an order to open a ticket; ``for`` is empty when it is for whoever asks."""
    filled, texts = scene.filled, scene.texts
    email, subject, text = filled.one("for"), filled.one("subject"), filled.one("request")
    errors = {name: texts.say("form_missing") for name, value in (("subject", subject), ("request", text)) if not value}
    if email and not _is_address(email):
        errors["for"] = texts.say("form_bad_address", value=email)
    category = filled.one("category")
    details, missing = details_of(scene, category)
    if errors | missing:
        return Step(errors=errors | missing)
    chosen = {name: filled.one(name) for name in ("category", "impact", "urgency")}
    args = {"for": email.lower(), "subject": subject, **chosen, **details}
    args |= {BY_MAIL: "yes" if BY_MAIL in filled.many(BY_MAIL) else "no"} if BY_MAIL in filled else {}
    asked = Asked(command="open", under="request", args={k: v for k, v in args.items() if v}, text=text)
    return Step(asked=(asked,))


def edit_view(scene: Scene) -> Block:
    """Priority with its reason, category and what it asks, and who is taken off the ticket."""
    ticket, texts, policy = scene.ticket, scene.texts, scene.policy
    if ticket is None:
        return parts.modal("edit", scene, [], "")
    levels = [(f"{level.icon} {level.name}".strip(), level.name) for level in policy.levels]
    category = _category_now(scene, ticket.category)
    made = [
        parts.menu("priority", texts.say("card_priority"), levels, chosen=ticket.priority),
        parts.written("reason", texts, hint=texts.say("form_reason_hint"), optional=True, most=500),
    ]
    if policy.categories:
        made.append(_categories(scene, category, optional=False))
    made += detail_fields(scene, category, ticket.details)
    if ticket.participants:
        people = [(str(person), person.email) for person in ticket.participants if len(person.email) <= 150]
        made.append(parts.several("drop", texts.say("form_drop"), people, hint=texts.say("form_drop_hint")))
    return parts.modal("edit", scene, made, "form_save")


def edit_read(scene: Scene) -> Step:
    """A command for each thing that is not as it was, in turn."""
    ticket, filled = scene.ticket, scene.filled
    if ticket is None:
        return Step(errors={"priority": scene.texts.say("form_gone")})
    category = filled.one("category") or ticket.category
    details, missing = details_of(scene, category)
    if missing:
        return Step(errors=missing)
    asked: list[Asked] = []
    priority = filled.one("priority")
    if priority and priority != ticket.priority:
        asked.append(Asked(command="priority", under="priority", args={"value": priority}, text=filled.one("reason")))
    if category != ticket.category:
        asked.append(Asked(command="category", under="category", args={"value": category}))
    now = {f"{DETAIL}{name}": value for name, value in ticket.details.items()}
    if details and any(now.get(name, "") != value for name, value in details.items()):
        asked.append(Asked(command="detail", under=_first_block(scene, category), args=details))
    drops = filled.many("drop")
    asked += [Asked(command="drop_participant", under="drop", args={"value": email}) for email in drops]
    return Step(asked=tuple(asked))


def details_view(scene: Scene) -> Block:
    """What the ticket's category asks; whoever asked fills it in."""
    ticket = scene.ticket
    made = detail_fields(scene, ticket.category, ticket.details) if ticket else []
    if not made:
        return parts.modal("details", scene, parts.told((scene.texts.say("form_no_fields"),)), "")
    return parts.modal("details", scene, made, "form_save")


def details_read(scene: Scene) -> Step:
    """The details, by field."""
    category = scene.ticket.category if scene.ticket else ""
    details, missing = details_of(scene, category)
    if missing:
        return Step(errors=missing)
    return Step(asked=(Asked(command="detail", under=_first_block(scene, category), args=details),))


def detail_fields(scene: Scene, category: str, known: Mapping[str, str]) -> list[Block]:
    """The fields that a category's form asks. Each block names the category, as two may ask for the same thing."""
    return [
        _detail(scene, category, asked, known.get(asked.name, "")) for asked in scene.policy.forms.get(category, ())
    ]


def details_of(scene: Scene, category: str) -> tuple[dict[str, str], dict[str, str]]:
    """What was entered, by argument, and what is missing, by block."""
    details: dict[str, str] = {}
    missing: dict[str, str] = {}
    for asked in scene.policy.forms.get(category, ()):
        block = _block(category, asked)
        if block not in scene.filled:
            continue
        value = scene.filled.one(block)
        if asked.required and not value:
            missing[block] = scene.texts.say("form_missing")
        details[f"{DETAIL}{asked.name}"] = value
    return details, missing


def _detail(scene: Scene, category: str, asked: FormField, known: str) -> Block:
    label = label_of(asked, scene.texts)
    if asked.choices:
        options = [(choice, choice) for choice in asked.choices if len(choice) <= 150]
        return parts.menu(_block(category, asked), label, options, chosen=known, optional=not asked.required)
    return parts.written(
        _block(category, asked), scene.texts, label=label, optional=not asked.required, initial=known, most=1000
    )


def _block(category: str, asked: FormField) -> str:
    return f"{DETAIL}{category}:{asked.name}"[:255]


def _first_block(scene: Scene, category: str) -> str:
    fields = scene.policy.forms.get(category, ())
    return _block(category, fields[0]) if fields else "category"


def _category_now(scene: Scene, otherwise: str) -> str:
    """The category as it is chosen now, or as it was."""
    return scene.filled.one("category") or otherwise


def _categories(scene: Scene, chosen: str, *, optional: bool) -> Block:
    """The categories; where one of them asks for something, choosing it changes the form at once."""
    options = [(name, name) for name in scene.policy.categories]
    label = scene.texts.say("card_category")
    return parts.menu("category", label, options, chosen=chosen, optional=optional, changes=bool(scene.policy.forms))


def _judged(scene: Scene) -> list[Block]:
    """Impact and urgency, for staff who know them; the rules judge what is left out."""
    matrix, texts = scene.policy.matrix, scene.texts
    if not scene.person or not matrix:
        return []
    impacts = [(name, name) for name in dict.fromkeys(impact for impact, _ in matrix)]
    urgencies = [(name, name) for name in dict.fromkeys(urgency for _, urgency in matrix)]
    return [
        parts.menu("impact", texts.say("form_impact"), impacts, optional=True),
        parts.menu("urgency", texts.say("form_urgency"), urgencies, optional=True),
    ]


def _is_address(text: str) -> bool:
    name, sign, host = text.rpartition("@")
    return bool(name and sign and "." in host) and not any(letter.isspace() or letter in "<>,;" for letter in text)
