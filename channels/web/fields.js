// What can be filled in: texts, menus, people, ticks and dates. Each field says its state in Slack's own shape.

import { el } from "./mrkdwn.js";

let count = 0;
export const fresh = (word) => `bk-${word}-${(count += 1)}`;

// A field is {node, target, read, write, changed}: what to show, what a label points at, its state, and a way to put
// a state back and to hear of changes. Null when an element is no field.
export function field(element, around) {
  const made = (MAKERS[element.type] ?? none)(element, around);
  if (!made) return null;
  for (const one of inputsOf(made.node)) {
    one.disabled = Boolean(around.preview) || one.disabled;
    if (!one.id) one.id = fresh("field");
  }
  const first = inputsOf(made.node)[0];
  return { target: first, changed: (heard) => made.node.addEventListener("change", heard), ...made };
}

const none = () => null;

function inputsOf(node) {
  const own = node.matches("input, select, textarea") ? [node] : [];
  return [...own, ...node.querySelectorAll("input, select, textarea")];
}

function text(element) {
  const made = el(element.multiline ? "textarea" : "input", "bk-field");
  if (element.multiline) made.rows = 4;
  else made.type = { email_text_input: "email", url_text_input: "url", number_input: "text" }[element.type] ?? "text";
  if (element.type === "number_input") made.inputMode = "decimal";
  if (element.max_length) made.maxLength = Number(element.max_length);
  made.placeholder = String(element.placeholder?.text ?? "");
  made.value = String(element.initial_value ?? "");
  made.autocomplete = "off";
  return {
    node: made,
    read: () => ({ type: element.type, value: made.value || null }),
    write: (state) => { made.value = state.value ?? ""; },
    problem: () => tooShort(made.value, element),
  };
}

function tooShort(value, element) {
  const least = Number(element.min_length) || 0;
  return value && value.length < least ? `Please write at least ${least} characters.` : "";
}

function select(element, { optional }) {
  const options = optionsOf(element);
  const names = options.map((one) => [String(one.value), String(one.text?.text ?? one.value)]);
  const made = menu(names, element.initial_option?.value, { element, optional, groups: groupsOf(element) });
  const find = (value) => options.find((one) => String(one.value) === value) ?? null;
  return {
    node: made,
    read: () => ({ type: element.type, selected_option: find(made.value) }),
    write: (state) => { made.value = state.selected_option?.value ?? ""; },
  };
}

function optionsOf(element) {
  return (element.option_groups ?? [element]).flatMap((group) => group.options ?? []);
}

function groupsOf(element) {
  return (element.option_groups ?? []).map((group) =>
    [String(group.label?.text ?? ""), new Set((group.options ?? []).map((one) => String(one.value)))]);
}

// "Nothing chosen" can be chosen where nothing stands yet, or where nothing is a good answer.
function menu(names, initial, { element, optional, groups = [] }) {
  const made = el("select", "bk-field");
  made.setAttribute("aria-label", String(element.placeholder?.text ?? "Choose"));
  if (optional || !initial) made.append(option("", String(element.placeholder?.text ?? "Choose…")));
  const boxes = groups.map(([label]) => Object.assign(el("optgroup"), { label }));
  for (const [value, name] of names) {
    const place = groups.findIndex(([, values]) => values.has(value));
    (boxes[place] ?? made).append(option(value, name));
  }
  made.append(...boxes);
  made.value = String(initial ?? "");
  if (made.selectedIndex < 0) made.value = "";
  return made;
}

function option(value, label) {
  const made = el("option", "", label);
  made.value = value;
  return made;
}

function person(element, { people, optional }) {
  const made = menu(Object.entries(people), element.initial_user, { element, optional });
  return {
    node: made,
    read: () => ({ type: element.type, selected_user: made.value || null }),
    write: (state) => { made.value = state.selected_user ?? ""; },
  };
}

// One or several of a list, each with a box to tick; in a scrolling list when there are many.
function ticks(element, { kind, options, initial, read, write }) {
  const name = fresh("group");
  const made = el("div", `bk-ticks${options.length > 8 ? " bk-many" : ""}`);
  made.setAttribute("role", kind === "radio" ? "radiogroup" : "group");
  const boxes = options.map((one) => {
    const box = Object.assign(el("input"), { type: kind, name, value: String(one.value) });
    box.checked = initial.includes(String(one.value));
    const about = one.description ? el("small", "", String(one.description.text ?? "")) : null;
    made.append(el("label", "", box, el("span", "", String(one.text?.text ?? one.value), about)));
    return box;
  });
  const taken = () => options.filter((_, place) => boxes[place].checked);
  const put = (values) => boxes.forEach((box) => { box.checked = values.includes(box.value); });
  return { node: made, group: true, read: () => ({ type: element.type, ...read(taken()) }), write: (state) => put(write(state)) };
}

const values = (options) => (options ?? []).map((one) => String(one.value));

const checkboxes = (element) => ticks(element, {
  kind: "checkbox",
  options: optionsOf(element),
  initial: values(element.initial_options),
  read: (taken) => ({ selected_options: taken }),
  write: (state) => values(state.selected_options),
});

const radios = (element) => ticks(element, {
  kind: "radio",
  options: optionsOf(element),
  initial: values(element.initial_option ? [element.initial_option] : []),
  read: (taken) => ({ selected_option: taken[0] ?? null }),
  write: (state) => values(state.selected_option ? [state.selected_option] : []),
});

const persons = (element, { people }) => ticks(element, {
  kind: "checkbox",
  options: Object.entries(people).map(([value, name]) => ({ value, text: { text: name } })),
  initial: (element.initial_users ?? []).map(String),
  read: (taken) => ({ selected_users: values(taken) }),
  write: (state) => state.selected_users ?? [],
});

function picker(kind, name, initial, of = (value) => value || null, back = (value) => value ?? "") {
  return (element) => {
    const made = Object.assign(el("input", "bk-field bk-picker"), { type: kind });
    made.setAttribute("aria-label", String(element.placeholder?.text ?? { date: "Date", time: "Time" }[kind] ?? "Date and time"));
    made.value = back(element[initial]);
    return {
      node: made,
      read: () => ({ type: element.type, [name]: of(made.value) }),
      write: (state) => { made.value = back(state[name]); },
    };
  };
}

// Seconds since 1970 as the browser's own picker writes them, in the reader's time zone, and back.
function local(seconds) {
  if (!seconds) return "";
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function seconds(text) {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.round(at / 1000);
}

const MAKERS = {
  plain_text_input: text,
  email_text_input: text,
  url_text_input: text,
  number_input: text,
  static_select: select,
  multi_static_select: checkboxes,
  users_select: person,
  multi_users_select: persons,
  checkboxes,
  radio_buttons: radios,
  datepicker: picker("date", "selected_date", "initial_date"),
  timepicker: picker("time", "selected_time", "initial_time"),
  datetimepicker: picker("datetime-local", "selected_date_time", "initial_date_time", seconds, local),
};

// Whether a state has nothing in it, so that a required field is still to be filled in.
export function isEmpty(state) {
  const found = Object.entries(state).filter(([name]) => name !== "type").map(([, value]) => value);
  return found.every((value) => value === null || value === "" || value?.length === 0);
}
