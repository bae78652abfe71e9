// The console page: the channel in the middle, a thread beside it, and what staff do with both.

import * as api from "./api.js";
import { draw } from "./blockkit.js";
import { composer } from "./composer.js";
import { copying, keyboard } from "./desk.js";
import { modals } from "./modal.js";
import { searching } from "./search.js";
import { clock, countdown, keep, line } from "./thread.js";
import { el } from "./mrkdwn.js";

const PAGE = 25;
const MOST = 100;
const at = (id) => document.getElementById(id);
const state = { tickets: [], before: null, notices: [], chosen: null, thread: null, people: {}, staff: [], offset: 0 };

// ---- what was said about it -------------------------------------------------------------------

let hushing = 0;
export function say(text, good = false) {
  const box = at("said");
  box.textContent = text;
  box.dataset.good = String(good);
  box.hidden = false;
  clearTimeout(hushing);
  hushing = setTimeout(() => (box.hidden = true), good ? 3000 : 9000);
}

// ---- commands ---------------------------------------------------------------------------------

async function obey(asking) {
  try {
    await api.command({ id: api.newId(), as: acting(), text: "", args: {}, ...asking });
    await look(asking.ticket);
    return true;
  } catch (problem) {
    say(problem.message);
    await look(asking.ticket);
    return false;
  }
}

function actOn(number) {
  return async ({ command, value, ticket }) => {
    const target = ticket ?? number;
    if (command.startsWith("open:")) return fillIn(command.slice(5), target, value);
    if (command === "resolve") return fillIn(command, target, ""); // A resolution needs words.
    if (command === "why") return fillIn(command, target, ""); // What only tells is shown as a form without fields.
    if (command === "reply" || command === "note") return open(target, command);
    const held = command === "send_now" || command === "withdraw";
    const taken = command === "withdraw" ? heldWords(value) : "";
    const done = await obey({ name: command, ticket: target, args: held ? reply(value) : value ? { value } : {} });
    if (done && taken) typing.again(target, taken);
    return done;
  };
}

// A held reply is named by its effect, or by the message in Slack that it was written in.
const reply = (value) => ({ [/^[A-Z0-9]+:\d+\.\d+$/.test(value) ? "target" : "reply"]: value });

// The words of a held reply; taken back, they can be put right and sent again. What was done is written in its own form.
const heldWords = (key) =>
  key.includes(":reply:") ? state.thread?.thread.find((item) => item.delivery?.key === key)?.text ?? "" : "";

// ---- forms ------------------------------------------------------------------------------------

const acting = () => at("acting").value;

async function fillIn(name, number, value) {
  try {
    const found = await api.view({ name, ticket: number ?? "", value, as: acting() });
    form.show(found.view);
    return true;
  } catch (problem) {
    say(problem.message);
    return false;
  }
}

const filled = ({ callback_id, private_metadata }, values) => ({ as: acting(), callback_id, private_metadata, values });

const form = modals({
  people: () => state.people,
  submit: async (view, values, id) => {
    const outcome = await api.submitView({ ...filled(view, values), id });
    if (!outcome.errors && !outcome.view) look(outcome.ticket ?? state.chosen);
    return outcome;
  },
  change: (view, values, action) => api.submitView({ ...filled(view, values), id: api.newId(), changed: action }),
  closed: ({ callback_id, private_metadata }) => {
    if (callback_id !== "deskbell:reply") return;
    const { ticket } = JSON.parse(private_metadata || "{}");
    // It is a courtesy: a form that nobody closed is forgotten after a while.
    api.closeView({ name: "reply", ticket: ticket ?? "", as: acting() }).catch(() => {});
  },
});

const typing = composer(at("composer"), {
  say,
  send: (asking, files) => api.command({ as: acting(), ticket: state.chosen, ...asking }, files),
  sent: (number) => look(number).then(() => at("scroll").scrollTo({ top: at("scroll").scrollHeight })),
});

// ---- the channel ------------------------------------------------------------------------------

async function channel() {
  const found = await api.channel(Math.min(MOST, Math.max(PAGE, state.tickets.length)));
  const fresh = new Set(found.tickets.map((ticket) => ticket.number));
  const rest = found.before ? state.tickets.filter((ticket) => !fresh.has(ticket.number)) : [];
  const later = rest.filter((ticket) => ticket.updated_at <= (found.tickets.at(-1)?.updated_at ?? ""));
  if (!later.length) state.before = found.before;
  state.offset = Date.parse(found.now) - Date.now();
  state.tickets = [...found.tickets, ...later];
  state.notices = found.notices;
  drawChannel();
}

async function older() {
  const found = await api.channel(PAGE, state.before);
  const known = new Set(state.tickets.map((ticket) => ticket.number));
  state.tickets.push(...found.tickets.filter((ticket) => !known.has(ticket.number)));
  state.before = found.before;
  drawChannel();
}

// Cards are not drawn anew between a press and its release: a click is lost with the card on which it began.
const press = { held: false, waiting: false };

function release() {
  press.held = false;
  if (press.waiting) drawChannel();
}

document.addEventListener("pointerdown", () => { press.held = true; }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(release), true);
document.addEventListener("pointermove", (event) => { if (press.held && !event.buttons) release(); }, true);

function drawChannel() {
  press.waiting = press.held;
  if (press.held) return;
  keep(at("cards"), shown(), (item) => item.number ?? item.key, (item, had) => (item.number ? card(item, had) : notice(item)));
  at("empty").hidden = state.tickets.length > 0;
  at("more").hidden = !state.before;
  mark();
  document.body.dataset.ready = "channel";
}

// Cards by their latest activity, and between them what the desk said to everybody at the time it was said.
function shown() {
  const oldest = state.before ? state.tickets.at(-1)?.updated_at ?? "" : "";
  const moment = (item) => Date.parse(item.updated_at ?? item.at);
  const news = state.notices.filter((item) => !oldest || moment(item) >= Date.parse(oldest));
  return [...state.tickets, ...news].sort((one, other) => moment(other) - moment(one));
}

function notice(item) {
  const top = el("p", "by", el("strong", "", item.author), clock(item.at));
  return el("li", "notice", top, el("div", "bk", draw(item.blocks, around(null))));
}

function card(ticket, had) {
  const made = el("li", `card status-${ticket.status}`, el("div", "bk", draw(ticket.card.blocks, around(ticket.number))));
  made.tabIndex = had?.tabIndex ?? -1;
  made.dataset.number = ticket.number;
  made.setAttribute("aria-label", ticket.card.text);
  const foot = el("p", "foot", el("button", "open", "Open thread"), clock(ticket.updated_at));
  made.append(foot);
  made.addEventListener("click", (event) => {
    const busy = event.target.closest("a, select, input, label, summary, details, button:not(.open)");
    if (!busy && !String(window.getSelection())) open(ticket.number);
  });
  return made;
}

const around = (number) => ({ people: state.people, act: actOn(number), offset: () => state.offset });

function mark() {
  let any = false;
  for (const made of at("cards").querySelectorAll(".card")) {
    const here = Number(made.dataset.number) === state.chosen;
    made.classList.toggle("chosen", here);
    if (here) made.setAttribute("aria-current", "true");
    else made.removeAttribute("aria-current");
    made.tabIndex = here ? 0 : -1;
    any ||= here;
  }
  const first = at("cards").querySelector(".card");
  if (!any && first) first.tabIndex = 0;
}

// ---- the thread -------------------------------------------------------------------------------

async function open(number, mode) {
  if (!number) return;
  if (state.chosen !== number) {
    typing.leave();
    state.chosen = number;
    state.thread = null;
    history.replaceState(null, "", `#${number}`);
    mark();
    await thread(true);
  }
  if (mode) typing.begin(mode);
}

function close() {
  const number = state.chosen;
  if (!number) return;
  typing.leave();
  state.chosen = state.thread = null;
  history.replaceState(null, "", location.pathname);
  at("thread").hidden = true;
  at("nothing").hidden = false;
  document.body.classList.remove("reading");
  delete document.body.dataset.thread;
  mark();
  at("cards").querySelector(`[data-number="${number}"]`)?.focus();
}

async function thread(fresh = false) {
  const number = state.chosen;
  if (!number) return;
  let found;
  try {
    found = await api.ticket(number);
  } catch (problem) {
    say(problem.message);
    if (problem.code === "no_ticket") close();
    return;
  }
  if (number !== state.chosen) return;
  state.offset = Date.parse(found.now) - Date.now();
  state.thread = found;
  drawThread(found, fresh);
}

function drawThread(found, fresh) {
  const scroll = at("scroll");
  const low = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  at("thread").hidden = false;
  at("nothing").hidden = true;
  document.body.classList.add("reading");
  at("subject").textContent = `#${found.number} ${found.subject || "(no subject)"}`;
  at("about").textContent = [found.customer.name, found.customer.email].filter(Boolean).join(" · ");
  owner(found.assignee);
  const root = { number: found.number, card: found.card };
  keep(at("root"), [root], (one) => one.number, (one) => el("div", "bk", draw(one.card.blocks, around(one.number))));
  if (fresh) at("lines").replaceChildren();
  keep(at("lines"), found.thread, (item) => item.key, (item) => line(item, around(found.number)));
  typing.about(found);
  if (fresh || low) scroll.scrollTop = scroll.scrollHeight;
  document.body.dataset.thread = String(found.number);
  const onItsWay = found.thread.some((item) => ["queued", "sending"].includes(item.delivery?.state));
  if (onItsWay) setTimeout(() => changed(found.number), 3000);
}

// Gives the ticket to somebody; the desk decides whether the acting person may.
function owner(key) {
  const names = state.staff.map((person) => [person.key, person.name]);
  if (!key) names.unshift(["", "Nobody yet"]);
  const known = at("owner").children.length === names.length && at("owner").value === (key ?? "");
  if (known) return; // A list that somebody has open stays open.
  at("owner").replaceChildren(...names.map(([value, name]) => Object.assign(el("option", "", name), { value })));
  at("owner").value = key ?? "";
}

// ---- hearing of changes -----------------------------------------------------------------------

async function look(number) {
  try {
    await Promise.all([channel(), number === null || number === state.chosen ? thread() : null]);
  } catch (problem) {
    say(problem.message);
  }
}

let waiting = null;
const told = new Set();
function changed(number) {
  told.add(number);
  waiting ??= setTimeout(() => {
    const mine = told.has(null) || told.has(state.chosen);
    waiting = null;
    told.clear();
    look(mine ? state.chosen : 0);
  }, 120);
}

function lineState(well) {
  at("line").dataset.well = String(well);
  at("line").textContent = well ? "live" : "reconnecting…";
}

// ---- beginning --------------------------------------------------------------------------------

function actors(staff) {
  at("acting").replaceChildren(...staff.map((person) => {
    const made = el("option", "", `${person.name} (${person.role})`);
    made.value = person.key;
    return made;
  }));
  const last = localStorage.getItem("deskbell.acting");
  if (staff.some((person) => person.key === last)) at("acting").value = last;
  at("acting").addEventListener("change", () => localStorage.setItem("deskbell.acting", at("acting").value));
}

async function begin() {
  const session = await api.session();
  state.people = session.people;
  typing.limits(session.limits);
  document.title = at("desk").textContent = session.desk;
  state.staff = session.staff;
  actors(session.staff);
  at("fresh").addEventListener("click", () => fillIn("new", null, ""));
  copying(session);
  at("more").addEventListener("click", () => older().catch((problem) => say(problem.message)));
  at("close").addEventListener("click", close);
  at("owner").addEventListener("change", () =>
    obey({ name: "assign", ticket: state.chosen, args: { to: at("owner").value } }));
  at("keys").addEventListener("click", () => at("help").showModal());
  searching({ search: api.search, open, say });
  keyboard({
    open,
    close,
    act: (command, number) => actOn(number)({ command, value: "", ticket: number }),
    chosen: () => state.chosen,
  });
  countdown(at("lines"), () => state.offset, () => setTimeout(() => changed(state.chosen), 700));
  await channel();
  const hashed = () => open(Number(location.hash.slice(1)));
  window.addEventListener("hashchange", hashed);
  await hashed();
  api.follow(changed, lineState);
}

begin().catch((problem) => say(problem.message));
