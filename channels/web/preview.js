// Shows what Slack shows, each in a frame like Slack's own: messages, modals and the Home tab.

import * as api from "./api.js";
import { draw } from "./blockkit.js";
import { viewParts } from "./modal.js";
import { el } from "./mrkdwn.js";
import { clock } from "./thread.js";

const at = (id) => document.getElementById(id);
const state = { session: null };

function sign(size) {
  const made = Object.assign(el("img", "sign"), { src: "/static/icon.svg", alt: "", width: size, height: size });
  return made;
}

const FRAMES = {
  message(sample, around) {
    const by = el("p", "by", el("strong", "", state.session.desk), el("span", "app", "APP"), clock(sample.at));
    return el("div", "message", sign(36), el("div", "", by, el("div", "bk", draw(sample.shown.blocks ?? [], around))));
  },
  modal(sample, around) {
    const { title, body, close, submit } = viewParts(sample.shown, around);
    const top = el("header", "", sign(24), title, el("span", "cross", "✕"));
    const buttons = [close, submit].filter(Boolean);
    for (const one of buttons) one.disabled = true;
    return el("div", "modal", top, body, el("footer", "", ...buttons));
  },
  home(sample, around) {
    const tabs = el("p", "tabs", el("strong", "", "Home"), el("span", "", "Messages"), el("span", "", "About"));
    const top = el("header", "", sign(24), el("strong", "", state.session.desk), tabs);
    return el("div", "home", top, el("div", "bk", draw(sample.shown.blocks ?? [], around)));
  },
};

function shown(sample) {
  const around = { people: state.session.people, preview: true };
  const made = el("section", `sample ${sample.frame}-sample`, el("h2", "", sample.title));
  if (sample.about) made.append(el("p", "about", sample.about));
  const frame = (FRAMES[sample.frame] ?? FRAMES.message)(sample, around);
  frame.classList.add("slack");
  made.append(frame);
  made.id = sample.name;
  return made;
}

async function look() {
  const { samples } = await api.samples(at("viewer").value);
  at("samples").replaceChildren(...samples.map(shown));
  at("contents").replaceChildren(...samples.map((sample) => {
    const made = el("a", "", sample.title);
    made.href = `#${sample.name}`;
    return made;
  }));
  document.body.dataset.ready = "samples";
}

function say(problem) {
  at("said").textContent = problem.message;
  at("said").hidden = false;
}

async function begin() {
  state.session = await api.session();
  const viewers = state.session.staff.map((person) =>
    Object.assign(el("option", "", `${person.name} (${person.role})`), { value: person.key }));
  at("viewer").replaceChildren(...viewers);
  const last = localStorage.getItem("deskbell.acting");
  if (state.session.staff.some((person) => person.key === last)) at("viewer").value = last;
  at("viewer").addEventListener("change", () => look().catch(say));
  await look();
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

begin().catch(say);
