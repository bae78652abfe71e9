// What can be pressed or chosen in a message, a modal or the Home tab: buttons, menus, and the pickers of time.

import { confirming } from "./confirm.js";
import { el, link } from "./mrkdwn.js";

// `around.act({command, value, ticket, element, state})` is called when somebody pressed or chose something.
export function button(element, around) {
  if (element.url) return buttonLink(element);
  const made = el("button", element.style ?? "", textOf(element.text));
  made.type = "button";
  made.disabled = Boolean(around.preview);
  made.dataset.command = commandOf(element);
  if (element.accessibility_label) made.setAttribute("aria-label", String(element.accessibility_label));
  made.addEventListener("click", () => ask(element, String(element.value ?? ""), around));
  return made;
}

function buttonLink(element) {
  const made = link(String(element.url), "");
  if (made.nodeType !== Node.ELEMENT_NODE) return el("span", "", textOf(element.text));
  made.className = "button";
  made.append(textOf(element.text));
  return made;
}

export function overflow(element, around) {
  const summary = el("summary", "button", "⋯");
  summary.setAttribute("aria-label", "More actions");
  const menu = el("div", "bk-menu");
  const made = el("details", "bk-overflow", summary, menu);
  for (const one of element.options ?? []) {
    const item = el("button", "", textOf(one.text));
    item.type = "button";
    item.disabled = Boolean(around.preview);
    item.dataset.command = asked(element, one.value).command;
    item.addEventListener("click", () => {
      made.open = false;
      ask(element, String(one.value ?? ""), around, { type: element.type, selected_option: one });
    });
    menu.append(item);
  }
  return made;
}

// A menu is closed by a press elsewhere and by Escape, as every menu is.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".bk-overflow[open]")) menu.open = menu.contains(event.target);
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".bk-overflow[open]");
  if (!menu) return;
  event.stopPropagation();
  menu.open = false;
  menu.querySelector("summary").focus();
}, true);

// Tells what was chosen in a field that acts at once; `again` puts back what stood there when the person says no.
export async function chosen(element, state, around, again) {
  const raw = state.selected_option?.value ?? state.selected_date ?? state.selected_time ?? state.selected_user
    ?? state.selected_date_time ?? state.value ?? "";
  if (!(await ask(element, String(raw ?? ""), around, state))) again();
}

async function ask(element, raw, around, state = null) {
  if (element.confirm && !(await confirming(element.confirm))) return false;
  around.act({ ...asked(element, raw), element, state });
  return true;
}

function textOf(object) {
  return el("span", "bk-text", String(object?.text ?? ""));
}

// `deskbell:claim` asks for a command, `deskbell:open:reply` for the form of one; a number tells equal ones apart.
export function commandOf(element) {
  return /^(?:deskbell:)?((?:open:)?[^:]*)/.exec(String(element.action_id ?? ""))[1];
}

// A value is a small JSON object of ticket and value; a plain one is taken as it is. A menu of many deeds has the
// command of each in its value.
export function asked(element, raw = "") {
  const told = { command: commandOf(element), value: raw, ticket: null };
  try {
    const read = JSON.parse(raw);
    if (!read || typeof read !== "object") return told;
    const command = String(read.command || told.command);
    return { command, value: String(read.value ?? ""), ticket: read.ticket ?? null };
  } catch {
    return told; // Not JSON: the value itself is meant.
  }
}
