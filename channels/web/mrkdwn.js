// Slack's mrkdwn as elements. Every word goes in as a text node: nothing in a message can become markup of the page.

const SHORT_NAMES = {
  bell: "🔔", eyes: "👀", envelope: "✉️", hourglass: "⌛", hourglass_flowing_sand: "⏳", lock: "🔒", memo: "📝",
  rotating_light: "🚨", star: "⭐", ticket: "🎫", warning: "⚠️", white_check_mark: "✅", x: "❌", raised_hand: "✋",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", red_circle: "🔴", "+1": "👍", tada: "🎉",
};

export function el(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function emoji(name) {
  return SHORT_NAMES[name] ?? `:${name}:`;
}

// A link that may be followed: web and mail addresses only; anything else stays plain text.
export function link(address, label) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return document.createTextNode(label);
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return document.createTextNode(label);
  const made = el("a", "", label);
  made.href = url.href;
  made.rel = "noopener noreferrer";
  made.target = "_blank";
  return made;
}

// Plain words with their web addresses made clickable; the address shown is the one that opens.
export function words(text) {
  const made = document.createDocumentFragment();
  let done = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'，。；）】]+[^\s<>"'.,;:!?)\]，。；：！？）】]/g)) {
    made.append(text.slice(done, found.index), link(found[0], found[0]));
    done = found.index + found[0].length;
  }
  made.append(text.slice(done));
  return made;
}

export function moment(seconds, format, fallback) {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return document.createTextNode(fallback);
  const made = el("time", "", format.replace(/\{(\w+)\}/g, (whole, name) => part(at, name) ?? whole));
  made.dateTime = at.toISOString();
  made.title = at.toLocaleString();
  return made;
}

function part(at, name) {
  const day = (options) => at.toLocaleDateString(undefined, options);
  if (name.endsWith("_pretty")) {
    const near = nearDay(at);
    if (near) return near;
  }
  switch (name.replace(/_pretty$/, "")) {
    case "time": return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    case "time_secs": return at.toLocaleTimeString();
    case "date_num": return at.toISOString().slice(0, 10);
    case "date": return day({ year: "numeric", month: "long", day: "numeric" });
    case "date_short": return day({ year: "numeric", month: "short", day: "numeric" });
    case "date_long": return day({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
    case "ago": return at.toLocaleString();
    default: return null;
  }
}

function nearDay(at) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
  const days = Math.round((midnight(at) - midnight(new Date())) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function leaf(text) {
  return unescaped(text).replace(/:([a-z0-9_+-]+):/g, (whole, name) => SHORT_NAMES[name] ?? whole);
}

// What stands between < and >: a person, a moment, a group, a channel or a link.
function reference(inside, people) {
  const [target, label = ""] = splitOnce(inside, "|");
  if (target.startsWith("@")) return mention(people[target.slice(1)] ?? (unescaped(label) || target.slice(1)));
  if (target.startsWith("#")) return mention(unescaped(label) || target.slice(1), "#");
  if (target.startsWith("!date^")) {
    const [, seconds, format] = target.split("^");
    return moment(Number(seconds), format ?? "", unescaped(label));
  }
  if (target.startsWith("!")) return mention(unescaped(label) || target.slice(1).split("^")[0]);
  return link(unescaped(target), unescaped(label || target));
}

function splitOnce(text, mark) {
  const place = text.indexOf(mark);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

export function mention(name, sign = "@") {
  return el("span", "mention", sign + name.replace(/^@/, ""));
}

const INLINE = new RegExp(
  "<([^<>\\n]+)>" + "|`([^`\\n]+)`" +
  "|(?<![\\p{L}\\p{N}])(?:\\*(?=\\S)([^*\\n]+?)(?<=\\S)\\*|_(?=\\S)([^_\\n]+?)(?<=\\S)_|~(?=\\S)([^~\\n]+?)(?<=\\S)~)(?![\\p{L}\\p{N}])",
  "gu",
);

function inline(text, people) {
  const made = document.createDocumentFragment();
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, angle, code, bold, italic, struck] = found;
    made.append(leaf(text.slice(done, found.index)));
    if (angle) made.append(reference(angle, people));
    else if (code) made.append(el("code", "", unescaped(code)));
    else if (bold) made.append(el("strong", "", inline(bold, people)));
    else if (italic) made.append(el("em", "", inline(italic, people)));
    else made.append(el("s", "", inline(struck, people)));
    done = found.index + whole.length;
  }
  made.append(leaf(text.slice(done)));
  return made;
}

export function mrkdwn(text, people = {}) {
  const made = document.createDocumentFragment();
  text.split("```").forEach((piece, place) => {
    if (place % 2) made.append(el("pre", "", unescaped(piece.replace(/^\n|\n$/g, ""))));
    else paragraphs(piece, people, made);
  });
  return made;
}

function paragraphs(text, people, made) {
  let quote = null;
  text.split("\n").forEach((line, place, all) => {
    const quoted = /^(?:&gt;|>) ?/.exec(line);
    if (!quoted) {
      quote = null;
      made.append(inline(line, people));
      if (place < all.length - 1) made.append("\n");
      return;
    }
    if (!quote) made.append((quote = el("blockquote")));
    else quote.append("\n");
    quote.append(inline(line.slice(quoted[0].length), people));
  });
}
