// Draws the thread of one ticket: who said what, when, and how far each reply has come.

import { draw } from "./blockkit.js";
import { fileLink } from "./files.js";
import { el, words } from "./mrkdwn.js";

const SOURCES = { chat: "in chat", cli: "on the command line", page: "on a page" };

// Keeps the elements whose item did not change, so that focus, selection and open menus survive an update.
export function keep(list, items, keyOf, make) {
  const had = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const print = JSON.stringify(item);
    let child = had.get(key);
    if (!child || child.print !== print) {
      const fresh = make(item, child);
      fresh.dataset.key = key;
      fresh.print = print;
      if (child) {
        if (child === place) place = fresh;
        const focused = child === document.activeElement;
        child.replaceWith(fresh);
        if (focused) fresh.focus({ preventScroll: true });
      }
      child = fresh;
    }
    had.delete(key);
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
  }
  for (const gone of had.values()) gone.remove();
}

export function clock(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  const made = el("time", "", today ? time : `${at.toLocaleDateString(undefined, { month: "short", day: "numeric" })} ${time}`);
  made.dateTime = iso;
  made.title = at.toLocaleString();
  return made;
}

function initials(name) {
  // An address in brackets stands beside a name, or alone.
  const parts = (name.replace(/<[^>]*>/, "").trim() || name.replace(/[<>]/g, "")).split(/\s+/).filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
  return letters.map((part) => [...part][0]).join("").toUpperCase();
}

export function line(item, around) {
  const made = el("li", `line-${item.kind}`);
  if (item.kind === "log") {
    made.append(el("p", "log", item.text, " ", clock(item.at)), delivery(item, around) ?? "");
    return made;
  }
  const sign = item.kind === "note" ? "🔒" : item.kind === "desk" ? "◈" : initials(item.author);
  const avatar = el("span", "avatar", sign);
  avatar.setAttribute("aria-hidden", "true");
  made.append(avatar, el("div", "bubble", ...inside(item, around)));
  return made;
}

function inside(item, around) {
  const source = item.source ? el("span", "small", SOURCES[item.source] ?? (item.source.startsWith("mail:") ? "by mail" : `by ${item.source}`)) : null;
  const kept = item.kind === "note" ? el("span", "tag", "stays inside") : null;
  // A post of blocks says itself who wrote.
  const author = item.kind === "customer" && item.blocks.length ? null : el("strong", "", item.author);
  const parts = [el("p", "by", author, kept, source, clock(item.at))];
  if (item.blocks.length) parts.push(el("div", "bk", draw(item.blocks, around)));
  else if (item.text) parts.push(el("p", "bk-words", words(item.text)));
  if (item.files.length) parts.push(el("p", "files", ...item.files.map(fileLink)));
  const how = delivery(item, around);
  if (how) parts.push(how);
  return parts;
}

const SAID = {
  queued: (way) => `⏳ Waiting to be sent${way.problem ? `: ${way.problem}` : ""}`,
  sending: () => "⏳ Being sent",
  accepted: (way) => `✉️ Sent to ${way.to}`,
  failed: (way) => `❌ Not sent: ${way.problem || "refused for good"}`,
  uncertain: (way) => `⚠️ May have been sent: ${way.problem || "the line dropped"}`,
  withdrawn: () => "🔒 Kept inside, never sent",
};

function delivery(item, around) {
  const way = item.delivery;
  if (!way) return null;
  if (way.state !== "held") return el("p", `delivery ${way.state}`, SAID[way.state]?.(way) ?? way.state);
  const left = el("span", "left", "");
  left.dataset.due = way.due_at;
  const made = el("p", "delivery held", "⏳ Goes to ", way.to, " ", left,
    hold("send_now", "Send now", way, around), hold("withdraw", "Keep inside", way, around));
  count(left, around.offset());
  return made;
}

function hold(command, label, way, around) {
  const made = el("button", command === "send_now" ? "primary" : "", label);
  made.type = "button";
  made.dataset.command = command;
  made.addEventListener("click", () => around.act({ command, value: way.key, ticket: null }));
  return made;
}

// Writes the seconds that are left; says whether the hold is over.
function count(left, offset) {
  const seconds = Math.ceil((Date.parse(left.dataset.due) - (Date.now() + offset)) / 1000);
  left.textContent = seconds > 0 ? `in ${seconds} s` : "now";
  return seconds <= 0;
}

// Counts all holds down once a second; `over` is called when one ends.
export function countdown(root, offset, over) {
  setInterval(() => {
    for (const left of root.querySelectorAll(".left[data-due]")) {
      if (count(left, offset())) {
        delete left.dataset.due;
        over();
      }
    }
  }, 1000);
}
