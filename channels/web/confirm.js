// Asks before something is done, in the words that the button brings along.

import { el } from "./mrkdwn.js";

// Says whether the person agreed; closing the question is a no.
export function confirming(asked) {
  const agree = button(asked.confirm?.text ?? "Yes", asked.style === "danger" ? "danger" : "primary");
  const deny = button(asked.deny?.text ?? "Cancel", "");
  const title = el("h2", "", String(asked.title?.text ?? "Are you sure?"));
  const text = el("p", "bk-text", String(asked.text?.text ?? ""));
  const made = el("dialog", "bk-confirm", title, text, el("div", "send", el("span", "grow"), deny, agree));
  made.setAttribute("aria-label", title.textContent);
  document.body.append(made);
  return new Promise((answer) => {
    agree.addEventListener("click", () => made.close("yes"));
    deny.addEventListener("click", () => made.close());
    made.addEventListener("close", () => {
      made.remove();
      answer(made.returnValue === "yes");
    });
    made.showModal();
    deny.focus();
  });
}

function button(label, style) {
  const made = el("button", style, String(label));
  made.type = "button";
  return made;
}
