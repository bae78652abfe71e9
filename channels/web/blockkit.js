// Draws Slack's Block Kit JSON with the page's own elements. Data only ever becomes text nodes.

import { el, emoji, link, mention, moment, mrkdwn } from "./mrkdwn.js";

// `act({command, value, label, confirm})` is called when somebody presses or chooses something.
export function draw(blocks, { people = {}, act = () => {} } = {}) {
  const made = document.createDocumentFragment();
  for (const block of blocks) made.append(drawBlock(block, { people, act }));
  return made;
}

function drawBlock(block, around) {
  switch (block.type) {
    case "header": return el("h3", "bk-header", textOf(block.text, around));
    case "section": return section(block, around);
    case "context": return context(block, around);
    case "rich_text": return el("div", "bk-rich", ...(block.elements ?? []).map((part) => richPart(part, around)));
    case "actions": return el("div", "bk-actions", ...(block.elements ?? []).map((part) => control(part, around)));
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
  if (block.text) made.append(el("p", "", textOf(block.text, around)));
  if (block.fields) {
    made.append(el("div", "bk-fields", ...block.fields.map((field) => el("p", "", textOf(field, around)))));
  }
  if (block.accessory) made.append(control(block.accessory, around));
  return made;
}

function context(block, around) {
  const parts = (block.elements ?? []).map((part) =>
    part.type === "image" ? el("span", "bk-text", part.alt_text ?? "") : textOf(part, around));
  return el("p", "bk-context", ...parts);
}

function richPart(part, around) {
  const inside = (part.elements ?? []).map((leaf) =>
    leaf.type?.startsWith("rich_text_") ? richPart(leaf, around) : richLeaf(leaf, around));
  switch (part.type) {
    case "rich_text_preformatted": return el("pre", "", ...inside);
    case "rich_text_quote": return el("blockquote", "", ...inside);
    case "rich_text_list":
      return el(part.style === "ordered" ? "ol" : "ul", "", ...inside.map((item) => el("li", "", item)));
    default: return el("p", "bk-words", ...inside);
  }
}

function richLeaf(leaf, { people }) {
  switch (leaf.type) {
    case "text": return styled(document.createTextNode(String(leaf.text ?? "")), leaf.style);
    case "link": return styled(link(String(leaf.url ?? ""), String(leaf.text || leaf.url || "")), leaf.style);
    case "emoji": return document.createTextNode(emoji(String(leaf.name ?? "")));
    case "user": return mention(people[leaf.user_id] ?? String(leaf.user_id));
    case "usergroup": return mention(String(leaf.usergroup_id));
    case "channel": return mention(String(leaf.channel_id), "#");
    case "broadcast": return mention(String(leaf.range));
    case "date": return moment(Number(leaf.timestamp), String(leaf.format ?? ""), String(leaf.fallback ?? ""));
    default: return document.createTextNode(String(leaf.text ?? ""));
  }
}

function styled(node, style = {}) {
  const names = { code: "code", strike: "s", italic: "em", bold: "strong" };
  return Object.entries(names).reduce((made, [name, tag]) => (style?.[name] ? el(tag, "", made) : made), node);
}

function control(element, around) {
  switch (element.type) {
    case "button": return element.url ? buttonLink(element, around) : button(element, around);
    case "static_select": return select(element, around);
    case "overflow": return overflow(element, around);
    default: return el("span", "bk-note", `(${String(element.type)} is not shown here)`);
  }
}

function buttonLink(element, around) {
  const made = link(String(element.url), "");
  if (made.nodeType !== Node.ELEMENT_NODE) return el("span", "", textOf(element.text, around));
  made.className = "button";
  made.append(textOf(element.text, around));
  return made;
}

function button(element, around) {
  const made = el("button", element.style ?? "", textOf(element.text, around));
  made.type = "button";
  made.dataset.command = commandOf(element);
  made.addEventListener("click", () => around.act(asked(element, element.value)));
  return made;
}

function select(element, around) {
  const made = el("select");
  const chosen = element.initial_option?.value ?? "";
  made.dataset.command = commandOf(element);
  made.setAttribute("aria-label", element.placeholder?.text ?? commandOf(element));
  if (!chosen) made.append(option("", element.placeholder?.text ?? "Choose…"));
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  for (const group of groups) {
    for (const one of group.options ?? []) made.append(option(one.value, one.text?.text ?? one.value));
  }
  made.value = chosen;
  made.addEventListener("change", () => {
    if (made.value !== chosen) around.act(asked(element, made.value));
  });
  return made;
}

function option(value, label) {
  const made = el("option", "", label);
  made.value = value;
  return made;
}

function overflow(element, around) {
  const summary = el("summary", "button", "⋯");
  summary.setAttribute("aria-label", "More actions");
  const menu = el("div", "bk-menu");
  const made = el("details", "bk-overflow", summary, menu);
  for (const one of element.options ?? []) {
    const item = el("button", "", textOf(one.text, around));
    item.type = "button";
    item.addEventListener("click", () => {
      made.open = false;
      around.act(asked(element, one.value));
    });
    menu.append(item);
  }
  return made;
}

function commandOf(element) {
  return String(element.action_id ?? "").replace(/^deskbell:/, "").split(":")[0];
}

// A value is a small JSON object of ticket and value; a plain one is taken as it is.
function asked(element, raw = "") {
  const told = { command: commandOf(element), value: raw, ticket: null, confirm: element.confirm ?? null };
  try {
    const read = JSON.parse(raw);
    if (read && typeof read === "object") return { ...told, value: String(read.value ?? ""), ticket: read.ticket ?? null };
  } catch {
    // Not JSON: the value itself is meant.
  }
  return told;
}
