// The search box: what it finds stands above the cards until it is closed.

import { el } from "./mrkdwn.js";
import { clock } from "./thread.js";

const at = (id) => document.getElementById(id);

export function searching({ search, open, say }) {
  let asked = 0;

  function close() {
    asked += 1;
    at("finds").hidden = true;
    at("hits").replaceChildren();
  }

  function hit(ticket) {
    const who = ticket.customer.name || ticket.customer.email;
    const about = [ticket.status.replace("_", " "), who].filter(Boolean).join(" · ");
    const head = el("button", "hit", el("strong", "", `#${ticket.number} ${ticket.subject || "(no subject)"}`));
    head.type = "button";
    head.addEventListener("click", () => open(ticket.number));
    const said = ticket.snippet ? [el("p", "snippet", `${ticket.inside ? "🔒 " : ""}${ticket.snippet}`)] : [];
    const made = el("li", "", head, el("p", "small", `${about} · `, clock(ticket.updated_at)), ...said);
    made.dataset.found = ticket.number;
    return made;
  }

  async function look() {
    const words = at("sought").value.trim();
    if (!words) return close();
    const mine = (asked += 1);
    try {
      const found = await search(words);
      // An answer that was overtaken by the next question is not shown.
      if (mine !== asked) return;
      at("hits").replaceChildren(...found.tickets.map(hit));
      const count = found.tickets.length;
      at("finds-told").textContent = count ? `${count} found for “${words}”` : `Nothing found for “${words}”`;
      at("finds").hidden = false;
    } catch (problem) {
      say(problem.message);
    }
  }

  at("search").addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  at("sought").addEventListener("search", () => at("sought").value || close());
  at("finds-close").addEventListener("click", () => {
    at("sought").value = "";
    close();
  });
}
