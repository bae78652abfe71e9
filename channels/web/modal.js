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

// `submit(view, values, id)` sends a filled-in view; it gives {errors} to show in it, or none when it is done. The same
// words keep their id over a lost line, so that sending them again cannot do it twice.
export function modals({ people, submit }) {
  let dialog = null;

  function show(view) {
    dialog?.close();
    const made = el("dialog", "bk-modal");
    dialog = made;
    made.addEventListener("close", () => {
      made.remove();
      if (dialog === made) dialog = null;
    });
    document.body.append(made);
    fill(made, view);
    made.showModal();
    made.querySelector(".bk-view :is(input, textarea, select)")?.focus();
  }

  function fill(made, view) {
    const fields = [];
    const { title, body, close, submit: send } = viewParts(view, { people: people(), fields });
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
    if (!complete(fields) || !send || send.disabled) return;
    const values = valuesOf(fields);
    const print = JSON.stringify(values);
    if (made.sending?.print !== print) made.sending = { print, id: newId() };
    send.disabled = true;
    const outcome = await told(made, () => submit(view, values, made.sending.id));
    send.disabled = false;
    if (!outcome) return;
    if (!outcome.errors) return made.close();
    made.sending = null;
    point(made, fields, outcome.errors);
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
