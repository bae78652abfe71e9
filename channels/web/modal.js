// Shows one of Slack's modals as a dialog of the page: its fields, what is missing under each, and sending it in.

import { newId } from "./api.js";
import { draw } from "./blockkit.js";
import { isEmpty } from "./fields.js";
import { el } from "./mrkdwn.js";

// Draws a view's inside. The frame of a preview uses the same, so that both show the same.
export function viewParts(view, around) {
  const title = el("h2", "bk-title", String(view.title?.text ?? ""));
  const body = el("div", "bk bk-view", draw(view.blocks ?? [], around));
  const close = labelled(view.close, "Cancel", "");
  const submit = view.submit ? labelled(view.submit, "", "primary") : null;
  if (submit) submit.type = "submit";
  return { title, body, close, submit };
}

function labelled(text, otherwise, style) {
  const made = el("button", style, String(text?.text ?? otherwise));
  made.type = "button";
  return made;
}

// `submit(view, values, id)` sends a filled-in view; it gives {errors} to show in it, {view} to show in its place, or
// neither when it is done. The same words keep their id over a lost line, so that sending them again cannot do it twice.
// `closed(view)` tells that the dialog is gone, sent in or not.
// `change(view, values, action)` tells what was chosen in a field that changes the form; it gives the changed {view}.
export function modals({ people, submit, change, closed }) {
  let dialog = null;

  function show(view) {
    dialog?.close();
    const made = el("dialog", "bk-modal");
    dialog = made;
    made.addEventListener("close", () => {
      made.remove();
      if (dialog === made) dialog = null;
      closed?.(view);
    });
    document.body.append(made);
    fill(made, view, {});
    made.showModal();
    made.querySelector(".bk-view :is(input, textarea, select)")?.focus();
  }

  // Puts a view into the dialog; as in Slack, what was filled in stays where block and action are the same.
  function fill(made, view, had) {
    const fields = [];
    const act = async ({ element }) => {
      const outcome = await told(made, () => change(view, valuesOf(fields), String(element.action_id)));
      if (outcome?.view) fill(made, outcome.view, valuesOf(fields));
    };
    const { title, body, close, submit: send } = viewParts(view, { people: people(), fields, act });
    for (const field of fields) {
      const known = had[field.block]?.[field.action];
      if (known?.type === field.read().type) field.write(known);
    }
    const problem = el("p", "problem");
    problem.setAttribute("role", "alert");
    problem.hidden = true;
    const form = el("form", "", title, body, problem, el("div", "send", el("span", "grow"), close, send));
    form.noValidate = true;
    close.addEventListener("click", () => made.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go(made, view, fields, send);
    });
    made.setAttribute("aria-label", title.textContent);
    made.replaceChildren(form);
  }

  async function go(made, view, fields, send) {
    if (!complete(fields) || !send || send.disabled) return undefined;
    const values = valuesOf(fields);
    const print = JSON.stringify(values);
    if (made.sending?.print !== print) made.sending = { print, id: newId() };
    send.disabled = true;
    const outcome = await told(made, () => submit(view, values, made.sending.id));
    send.disabled = false;
    if (!outcome) return undefined;
    if (!outcome.errors && !outcome.view) return made.close();
    made.sending = null;
    if (outcome.errors) point(made, fields, outcome.errors);
    else fill(made, outcome.view, {});
    return undefined;
  }

  return { show };
}

// What goes wrong on the way is told in the dialog, and what was filled in stays.
async function told(made, doing) {
  tell(made, "");
  try {
    return (await doing()) ?? {};
  } catch (problem) {
    tell(made, problem.message);
    return null;
  }
}

function tell(made, text) {
  const problem = made.querySelector(".problem");
  problem.textContent = text;
  problem.hidden = !text;
}

export function valuesOf(fields) {
  const values = {};
  for (const field of fields) (values[field.block] ??= {})[field.action] = field.read();
  return values;
}

// Required fields are filled in and long enough, or it is said under each what is missing. Slack checks the same itself.
function complete(fields) {
  const missing = fields.filter((field) => {
    const why = field.required && isEmpty(field.read()) ? "Please complete this required field." : field.problem?.() ?? "";
    mark(field, why);
    return why;
  });
  missing[0]?.target?.focus();
  return !missing.length;
}

// Errors are told by block, each under its field; one of a block that is not there is told below them all.
function point(made, fields, errors) {
  const left = { ...errors };
  for (const field of fields) {
    mark(field, left[field.block] ?? "");
    delete left[field.block];
  }
  fields.find((field) => errors[field.block])?.target?.focus();
  tell(made, Object.values(left).map(String).join(" "));
}

function mark(field, why) {
  if (!field.error) return;
  field.error.textContent = String(why);
  field.error.hidden = !why;
  if (why) field.target?.setAttribute("aria-invalid", "true");
  else field.target?.removeAttribute("aria-invalid");
}
