// Talks to the desk: questions, commands, and news of changes as they happen.

export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

async function answer(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    throw new Refused("unreadable", "The desk gave no readable answer.");
  }
  if (response.ok) return body;
  const refusal = body.refusal ?? { code: "failed", text: "The desk did not say why." };
  throw new Refused(refusal.code, refusal.text);
}

async function asked(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Refused("offline", "The desk does not answer. Is it running?");
  }
  return answer(response);
}

export const session = () => asked("/api/session");

export function channel(limit, before) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (before) query.set("before", before);
  return asked(`/api/channel?${query}`);
}

export const search = (words) => asked(`/api/search?${new URLSearchParams({ words })}`);

export const ticket = (number) => asked(`/api/ticket/${number}`);

// A command keeps its id over every retry, so that the desk carries it out once.
export const newId = () => crypto.randomUUID();

export function command(asking, files = []) {
  const headers = { "X-Deskbell": "console" };
  let body = JSON.stringify(asking);
  if (files.length) {
    const form = new FormData();
    form.append("command", body);
    for (const file of files) form.append("file", file, file.name);
    body = form;
  } else {
    headers["Content-Type"] = "application/json";
  }
  return asked("/api/command", { method: "POST", headers, body });
}

// The form that a command needs, as Slack would get it.
export const view = (asking) => asked(`/api/view?${new URLSearchParams(asking)}`);

export const samples = (viewer) => asked(`/api/preview?${new URLSearchParams({ as: viewer })}`);

export function submitView(filled) {
  const headers = { "X-Deskbell": "console", "Content-Type": "application/json" };
  return asked("/api/view", { method: "POST", headers, body: JSON.stringify(filled) });
}

// Whoever answers the same ticket is told that nobody writes here any more.
export function closeView(asking) {
  const headers = { "X-Deskbell": "console" };
  return asked(`/api/view?${new URLSearchParams(asking)}`, { method: "DELETE", headers });
}

const FALLBACK_EVERY = 8000;
const LOOK_EVERY = 30000;

// Calls `changed(ticket)` for every change. While the line is down it asks again now and then with `changed(null)`,
// and seldom even while it is up, for what happens at other doors.
export function follow(changed, line) {
  let source = null;
  let asking = null;

  function askNowAndThen() {
    asking ??= setInterval(() => changed(null), FALLBACK_EVERY);
  }

  function heardAgain() {
    clearInterval(asking);
    asking = null;
  }

  function open() {
    source?.close();
    const mine = new EventSource("/api/events");
    source = mine;
    mine.addEventListener("hello", () => {
      heardAgain();
      line(true);
      changed(null);
    });
    mine.addEventListener("changed", (event) => changed(JSON.parse(event.data).ticket));
    mine.addEventListener("error", () => {
      line(false);
      askNowAndThen();
      const given = mine.readyState === EventSource.CLOSED;
      if (given) setTimeout(() => source === mine && !document.hidden && open(), FALLBACK_EVERY);
    });
  }

  // A browser keeps few connections to one desk: pages that nobody looks at give theirs up.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    source?.close();
    return heardAgain();
  });
  setInterval(() => document.hidden || changed(null), LOOK_EVERY);
  open();
}
