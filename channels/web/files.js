// Files: the links in a thread, and what is attached to the words that are being written.

import { el } from "./mrkdwn.js";

const MB = 1024 * 1024;

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MB ? `${Math.round(bytes / 1024)} KB` : `${(bytes / MB).toFixed(1)} MB`;
}

// A file that was sent: saved by a click, never opened as a page. Pictures are shown small.
export function fileLink(file) {
  if (file.held) return heldLink(file);
  const label = file.size ? `📎 ${file.name} (${file.size})` : `📎 ${file.name}`;
  if (!file.path) return el("span", "file", label);
  const made = el("a", "file", label);
  made.href = file.path;
  made.download = file.name;
  if (file.picture) {
    const small = el("img", "thumb");
    small.src = file.path;
    small.alt = "";
    small.loading = "lazy";
    made.prepend(small);
  }
  return made;
}

// A file that is held, an executable for one: the thread warns of it, and it is saved under a name that nothing runs.
function heldLink(file) {
  const label = `⚠ held: ${file.name} (${[file.held, file.size].filter(Boolean).join(", ")})`;
  if (!file.path) return el("span", "file", label);
  const made = el("a", "file", label);
  made.href = file.path;
  made.download = `${file.name}.held`;
  made.addEventListener("click", (event) => {
    if (!window.confirm(`${label}\n\nThis file may do harm. Save it all the same?`)) event.preventDefault();
  });
  return made;
}

// What is attached so far. Files are chosen, dropped on the form or pasted; too much is told before anything is sent.
export function attaching(form, { say, changed }) {
  const chooser = form.querySelector("#files");
  const list = form.querySelector("#attached");
  const limit = form.querySelector("#limit");
  let most = { bytes: 20 * MB, count: 20 };
  let chosen = [];

  const total = (files) => files.reduce((sum, file) => sum + file.size, 0);

  function show() {
    list.replaceChildren(...chosen.map((file, place) => {
      const off = el("button", "quiet", "✕");
      off.type = "button";
      off.setAttribute("aria-label", `Leave out ${file.name}`);
      off.addEventListener("click", () => put(chosen.filter((_, other) => other !== place)));
      return el("li", "file", `📎 ${file.name} (${size(file.size)})`, off);
    }));
    list.hidden = !chosen.length;
    limit.textContent = chosen.length
      ? `${size(total(chosen))} of ${most.bytes / MB} MB`
      : `Files up to ${most.bytes / MB} MB together`;
  }

  function put(files) {
    chosen = files;
    show();
    changed();
  }

  function add(files) {
    const wanted = [...chosen, ...files];
    if (wanted.length > most.count) return say(`One message takes at most ${most.count} files.`);
    if (total(wanted) > most.bytes) {
      const names = files.map((file) => `${file.name} (${size(file.size)})`).join(", ");
      return say(`Not attached: ${names}. All files of one message may have ${most.bytes / MB} MB together.`);
    }
    return put(wanted);
  }

  form.querySelector("#attach").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add([...chooser.files]);
    chooser.value = "";
  });
  const brings = (event) => event.dataTransfer?.types.includes("Files");
  form.addEventListener("dragover", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    form.classList.add("dropping");
  });
  form.addEventListener("dragleave", () => form.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("dropping");
    if (!brings(event)) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    add([...event.clipboardData.files]);
  });
  show();

  return {
    files: () => chosen,
    put,
    limits(told) {
      most = told;
      show();
    },
  };
}
