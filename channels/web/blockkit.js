// Draws Slack's Block Kit JSON with the page's own elements. Data only ever becomes text nodes.

import { button, chosen, commandOf, overflow } from "./controls.js";
import { field, fresh } from "./fields.js";
import { el, mrkdwn } from "./mrkdwn.js";
import { richText } from "./richtext.js";

// `act({command, value, ticket, element, state})` is called when somebody presses or chooses something.
// `fields`, when given, gathers what can be filled in: {block, action, input, read, write, ...}, as a modal needs it.
// In a `preview` everything is shown and nothing can be pressed.
export function draw(blocks, { people = {}, act = () => {}, fields = null, preview = false } = {}) {
  const made = document.createDocumentFragment();
  for (const block of blocks) made.append(drawBlock(block, { people, act, fields, preview }));
  return made;
}

function drawBlock(block, around) {
  switch (block.type) {
    case "header": return el("h3", "bk-header", textOf(block.text, around));
    case "section": return section(block, around);
    case "context": return context(block, around);
    case "rich_text": return richText(block, around);
    case "actions": return el("div", "bk-actions", ...(block.elements ?? []).map((part) => control(part, block, around)));
    case "input": return input(block, around);
    case "divider": return el("hr", "bk-divider");
    case "image": return el("p", "bk-note", `🖼 ${block.alt_text ?? ""}`);
    default: return el("p", "bk-note", `(${String(block.type)} is not shown here)`);
  }
}

function textOf(object, { people }) {
  if (!object) return "";
  if (object.type === "mrkdwn") return el("span", "bk-text", mrkdwn(String(object.text ?? ""), people));
  return el("span", "bk-text", String(object.text ?? ""));
}

function section(block, around) {
  const made = el("div", "bk-section");
  const words = el("div", "bk-said");
  if (block.text) words.append(el("p", "", textOf(block.text, around)));
  if (block.fields) {
    words.append(el("div", "bk-fields", ...block.fields.map((one) => el("p", "", textOf(one, around)))));
  }
  made.append(words);
  if (block.accessory) {
    made.classList.add("bk-beside");
    made.append(control(block.accessory, block, around));
  }
  return made;
}

function context(block, around) {
  const parts = (block.elements ?? []).map((part) =>
    part.type === "image" ? el("span", "bk-text", part.alt_text ?? "") : textOf(part, around));
  return el("p", "bk-context", ...parts);
}

function control(element, block, around) {
  switch (element.type) {
    case "button": return button(element, around);
    case "overflow": return overflow(element, around);
    case "image": return el("span", "bk-note", `🖼 ${element.alt_text ?? ""}`);
    default: return acting(element, block, around) ?? unknown(element);
  }
}

const unknown = (element) => el("span", "bk-note", `(${String(element.type)} is not shown here)`);

// A field among buttons does something as soon as another value is chosen.
function acting(element, block, around) {
  const made = field(element, around);
  if (!made) return null;
  gather(made, element, block, around);
  hear(made, element, around);
  made.node.dataset.command = commandOf(element);
  return made.node;
}

function hear(made, element, around) {
  let before = made.read();
  made.changed(() => {
    const now = made.read();
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    const had = before;
    before = now;
    chosen(element, now, around, () => {
      made.write(had);
      before = had;
    });
  });
}

function gather(made, element, block, around, more = {}) {
  const entry = { ...made, ...more, block: String(block.block_id ?? fresh("block")), action: String(element.action_id ?? fresh("action")) };
  around.fields?.push(entry);
  return entry;
}

function input(block, around) {
  const element = block.element ?? {};
  const made = field(element, { ...around, optional: Boolean(block.optional) });
  const label = el(made && !made.group ? "label" : "p", "bk-label", String(block.label?.text ?? ""));
  if (block.optional) label.append(el("span", "bk-optional", " (optional)"));
  const error = el("p", "bk-error");
  error.setAttribute("role", "alert");
  error.hidden = true;
  error.id = fresh("error");
  const hint = block.hint ? el("p", "bk-hint", String(block.hint.text ?? "")) : null;
  const box = el("div", "bk-input", label, made?.node ?? unknown(element), error, hint);
  if (!made) return box;
  name(made, label, error);
  const entry = gather(made, element, block, around, { required: !block.optional, error });
  box.dataset.block = entry.block;
  if (block.dispatch_action) hear(made, element, around);
  return box;
}

// Ties a field to its words, for those who hear the page rather than see it.
function name(made, label, error) {
  if (made.group) {
    label.id = fresh("label");
    made.node.setAttribute("aria-labelledby", label.id);
  } else {
    label.htmlFor = made.target.id;
    made.target.removeAttribute("aria-label");
    made.target.setAttribute("aria-describedby", error.id);
  }
}
