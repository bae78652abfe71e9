// Where staff write: a reply to the customer, a note that stays inside, or send and wait. Drafts stay with their ticket.

import { newId } from "./api.js";
import { confirming } from "./confirm.js";
import { attaching } from "./files.js";

const NOTE = /^[\s*_~`>]*(?:🔒|🔐|🔏|:lock:|(?:note|备注|内部)\s*[:：])/iu;
const ANYWAY = { title: { text: "Send it all the same?" }, confirm: { text: "Send anyway" }, deny: { text: "Go on writing" } };
const WAIT = /^[\s*_~`>]*(?:wait|等待)\s*[:：]/i;

export function composer(form, { say, send, sent }) {
  const at = (id) => form.querySelector(`#${id}`);
  const words = at("words");
  const drafts = new Map();
  let ticket = null;
  let id = null;
  let busy = false;

  const mode = () => form.elements.mode.value;
  const attached = attaching(form, { say, changed: () => { id = null; show(); } });
  const empty = () => !words.value.trim() && !attached.files().length;
  const isNote = () => mode() === "note" || NOTE.test(words.value);

  function show() {
    const inside = isNote();
    const to = ticket ? [ticket.customer.email || ticket.customer.name, ...ticket.copies].join(", ") : "";
    const room = !ticket?.customer.room ? "" : "Posted in the thread where they asked";
    const reader = !room ? `Mailed to ${to}.` : ticket.customer.mailed ? `${room}, and mailed to ${to}.` : `${room}.`;
    form.dataset.mode = inside ? "note" : "reply";
    at("reader").textContent = inside ? "Only staff will see this." : reader;
    at("send").textContent = inside ? "Keep note" : WAIT.test(words.value) ? "Send and wait" : "Send";
    at("send").disabled = at("wait").disabled = busy || empty();
    at("wait").hidden = inside;
    words.placeholder = inside ? "A note for colleagues…" : `Reply to ${ticket?.customer.name || ticket?.customer.email || "the customer"}…`;
    words.style.height = "auto";
    words.style.height = `${Math.min(words.scrollHeight + 2, 260)}px`;
  }

  async function go(args) {
    if (busy || empty() || !ticket) return;
    const { number } = ticket;
    // The same words keep their id over a lost line, so that pressing again cannot send them twice.
    id ??= newId();
    busy = true;
    show();
    try {
      const asking = { id, ticket: number, name: mode() === "note" ? "note" : "reply", text: words.value, args };
      await send(asking, attached.files());
      drafts.delete(number);
      if (ticket?.number === number) {
        attached.put([]);
        begin("reply", "");
      }
      await sent(number);
    } catch (problem) {
      if (problem.code !== "ask") return say(problem.message);
      // Somebody else is answering, or the customer wrote meanwhile: a new question, so a new id.
      const agreed = await confirming({ ...ANYWAY, text: { text: problem.message } });
      id = null;
      busy = false;
      if (agreed && ticket?.number === number) await go({ ...args, sure: "yes" });
    } finally {
      busy = false;
      show();
    }
  }

  function begin(wanted, text) {
    if (text !== undefined) words.value = text;
    form.elements.mode.value = wanted;
    id = null;
    show();
    words.focus();
  }

  words.addEventListener("input", () => {
    id = null;
    show();
  });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    go({});
  });
  form.addEventListener("change", () => {
    id = null;
    show();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go({});
  });
  at("wait").addEventListener("click", () => go({ then: "wait" }));

  return {
    begin,
    // A reply that was taken back stands here again, unless something else is being written.
    again(number, text) {
      if (ticket?.number === number && empty()) begin("reply", text);
    },
    limits: attached.limits,
    // The thread of another ticket is shown: its own draft, and a reply unless that draft was a note.
    about(found) {
      if (ticket?.number !== found.number) {
        const draft = drafts.get(found.number) ?? { text: "", mode: "reply", files: [] };
        words.value = draft.text;
        attached.put(draft.files);
        form.elements.mode.value = draft.mode;
        id = null;
      }
      ticket = found;
      show();
    },
    leave() {
      if (ticket && !empty()) drafts.set(ticket.number, { text: words.value, mode: mode(), files: attached.files() });
      else if (ticket) drafts.delete(ticket.number);
      ticket = null;
      words.value = "";
      attached.put([]);
    },
  };
}
