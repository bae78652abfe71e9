// Draws Slack's rich_text: paragraphs, quotes, lists and code, whose words are never read as markup.

import { el, emoji, link, mention, moment } from "./mrkdwn.js";

export function richText(block, around) {
  return el("div", "bk-rich", ...(block.elements ?? []).map((part) => richPart(part, around)));
}

function richPart(part, around) {
  const inside = (part.elements ?? []).map((leaf) =>
    leaf.type?.startsWith("rich_text_") ? richPart(leaf, around) : richLeaf(leaf, around));
  switch (part.type) {
    case "rich_text_preformatted": return el("pre", "", ...inside);
    case "rich_text_quote": return el("blockquote", "", ...inside);
    case "rich_text_list": return list(part, inside);
    default: return el("p", "bk-words", ...inside);
  }
}

function list(part, items) {
  const made = el(part.style === "ordered" ? "ol" : "ul", "bk-list", ...items.map((item) => el("li", "", item)));
  if (part.style === "ordered" && part.offset) made.start = Number(part.offset) + 1;
  made.dataset.indent = String(Math.min(8, Number(part.indent) || 0));
  return made;
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
    case "color": return document.createTextNode(String(leaf.value ?? ""));
    default: return document.createTextNode(String(leaf.text ?? ""));
  }
}

function styled(node, style = {}) {
  const names = { code: "code", strike: "s", italic: "em", bold: "strong" };
  return Object.entries(names).reduce((made, [name, tag]) => (style?.[name] ? el(tag, "", made) : made), node);
}
