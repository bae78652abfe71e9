// The page's own furniture: the keyboard, and the hint that sends a first mail.

const at = (id) => document.getElementById(id);

export function keyboard({ open, close, act, chosen }) {
  const cards = () => [...at("cards").querySelectorAll(".card")];
  const number = () => chosen() ?? (Number(document.activeElement?.dataset?.number) || null);

  function step(by) {
    const all = cards();
    const here = all.findIndex((card) => card === document.activeElement || Number(card.dataset.number) === chosen());
    const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    if (chosen() && next) open(Number(next.dataset.number));
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    Enter: () => document.activeElement?.dataset?.number && open(Number(document.activeElement.dataset.number)),
    c: () => number() && act("claim", number()),
    r: () => number() && open(number(), "reply"),
    n: () => number() && open(number(), "note"),
    e: () => number() && act("open:resolve", number()),
    "/": () => at("sought").focus(),
    "?": () => at("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    const writing = event.target.closest("input, textarea, select");
    if (event.key === "Escape") {
      if (writing) writing.blur();
      else close();
      return;
    }
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

// A mail that can be sent from any terminal with curl alone.
export function copying({ intake, address }) {
  at("address").textContent = address || "your support address";
  // Without a listener of our own, mail comes by IMAP; there is no line to type then.
  for (const part of document.querySelectorAll(".trial")) part.hidden = !intake;
  const mail = `From: Mei Lin <mei@example.net>\\nTo: ${address}\\nSubject: The printer is on fire\\n\\nPlease help!\\n`;
  const command = `printf '${mail}' | curl -sS --crlf smtp://${intake} --mail-from mei@example.net --mail-rcpt ${address} --upload-file -`;
  at("first").textContent = command;
  at("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(command);
    at("copy").textContent = "Copied";
    setTimeout(() => (at("copy").textContent = "Copy"), 2000);
  });
}
