"""What the app answers while a view is open: errors, another view, nothing at all, options for a menu."""

from __future__ import annotations

from typing import Any

from tests.loopback_slack.composition import PLAIN, Faults
from tests.loopback_slack.elements import offered_options
from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.modal_shape import accept_view
from tests.loopback_slack.state import User, View
from tests.loopback_slack.view_methods import MODAL, STACK_MAX, new_view, replace_view
from tests.loopback_slack.world import World

TROUBLE = "We had some trouble connecting. Try again?"
ACTIONS = frozenset({"errors", "update", "push", "clear"})


def apply_answer(world: World, user: User, view: View, answer: Json) -> None:
    """Do what the app's answer to a submission asks: close, clear, show errors, update or push.

    Raises RefusedError for an answer that Slack shows its user as trouble.
    """
    stack = world.workspace.modals.get(user.id, [])
    match answer.get("response_action"):
        case "errors":
            view.errors = _errors(view, answer.get("errors"))
        case "update":
            replace_view(world.workspace, view, accept_view(answer.get("view"), MODAL))
        case "push":
            content = accept_view(answer.get("view"), MODAL)
            if len(stack) >= STACK_MAX:
                raise RefusedError("push_limit_reached")
            stack.append(new_view(world.workspace, user.id, content))
        case "clear":
            stack.clear()
        case None:
            if answer:
                raise RefusedError("invalid_arguments", [f"an answer without response_action: {sorted(answer)}"])
            if view in stack:
                stack.remove(view)
        case other:
            raise RefusedError("invalid_arguments", [f"response_action {other!r} is none of {sorted(ACTIONS)}"])


def _errors(view: View, errors: Any) -> dict[str, str]:
    """Errors stand under input blocks, by block id; under anything else Slack shows none."""
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not all(isinstance(said, str) for said in errors.values()):
        raise RefusedError("invalid_arguments", ["errors must name input blocks, each with a text"])
    if not set(errors) <= inputs:
        raise RefusedError("invalid_arguments", [f"errors for {sorted(set(errors) - inputs)}, which are no inputs"])
    return dict(errors)


def suggested_options(answer: Json) -> list[Json]:
    """The options for an external menu. Raises RefusedError."""
    faults = Faults()
    if "option_groups" in answer:
        faults.option_groups(answer["option_groups"], "/option_groups")
    elif answer.get("options") != []:
        faults.options(answer.get("options"), 100, "/options", PLAIN)
    if faults.faults:
        raise RefusedError("invalid_arguments", faults.faults)
    return offered_options(answer)
