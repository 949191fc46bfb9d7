// Keys. Single letters press the button that shows them; never while typing or while an input method composes.
//   [data-key=L]     what L presses, also while it lies folded under "more"; digits: proposals, the form in hand first
//   [data-row]       rows of a queue: J ↓ next, K ↑ previous, Enter opens (none chosen: the first, the most dangerous)
//   form[data-save]  what Ctrl+S sends where no form is being filled in; its button is the one with data-save, or its main one
//   Esc: back one step, to the very row    M: the map    Ctrl+S: send the form in hand    ?: the key card
const typing = (element) => element.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { card: "Keys on this page", rows: "next, previous row", open: "open the row (none chosen: the first)", back: "back, to the same row", close: "Close", print: "Print", choose: "choose the row (Shift: up to here)",
      map: "to the map", save: "save, send the form", phrase: "insert a phrase", always: "Everywhere", here: "Here", card2: "this card" }
  : { card: "本页按键", rows: "下一行、上一行", open: "打开所选行（未选时打开第一行）", back: "返回，回到原来那一行", close: "关闭", print: "打印", choose: "选择本行（加 Shift 选到此行）",
      map: "到地图", save: "保存、提交表单", phrase: "插入惯用语", always: "各页通用", here: "本页", card2: "本按键卡" };

const all = () => [...document.querySelectorAll("[data-key]")];
const seen = (one) => one.offsetParent !== null;
const folded = (one) => !seen(one) && one.closest("details:not([open])")?.offsetParent;
// What is in hand comes first: an open form before the page around it, what is seen before what is folded.
const rank = (one) => (one.closest("#move form, dialog[open]") ? 0 : seen(one) ? 1 : 2);
const usable = () => all().filter((one) => seen(one) || folded(one)).sort((one, other) => rank(one) - rank(other));
const named = (name) => usable().find((one) => one.dataset.key.toUpperCase() === name);
const rows = () => [...document.querySelectorAll("tr[data-row]")].filter(seen);

export function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "s") return save(event);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return leave(event);
    if (event.key === "F2" || event.key === "F4") { const target = named(event.key); if (target) { event.preventDefault(); target.click(); } return; }
    if (event.key === "Enter") onward(event);
    if (event.defaultPrevented || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") return card(event);
    if (step(event)) return;
    const target = named(event.key.length === 1 ? event.key.toUpperCase() : event.key);
    if (target) { event.preventDefault(); press(target); return; }
    if (enterForm(event)) return;
    if (event.key.toUpperCase() === "M") toMap(event);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-key-card]")) card(event);
    const row = event.target.closest("tr[data-row]");
    if (row) choose(row);
    // Back to the very row and place from which the page was opened.
    const back = event.target.closest("[data-back]");
    if (back && cameFrom(back.href)) { event.preventDefault(); history.back(); }
  });
  mark();
  addEventListener("pageshow", mark);
  document.body.addEventListener("htmx:afterSettle", mark);
}

const cameFrom = (address) => document.referrer && new URL(document.referrer).origin === location.origin
  && new URL(document.referrer).pathname === new URL(address).pathname;

// A field is entered; a choice is made and entered, so that Enter sends its form; anything else is clicked.
function press(target) {
  if (target.matches("summary")) {
    const fold = target.parentElement;
    fold.open = !fold.open;
    (fold.open && fold.querySelector("textarea, input:not([type=hidden]), select") || target).focus();
    return;
  }
  for (let fold = target.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
  if (!target.matches("input, select, textarea")) return target.click();
  if (target.matches("[type=radio], [type=checkbox]")) target.click();
  target.focus();
}

// A move whose form stands in the page already needs no button: its key goes into the form.
function enterForm(event) {
  const button = all().find((one) => one.dataset.key.toUpperCase() === event.key.toUpperCase() && one.dataset.verb);
  const form = button && document.querySelector(`form[data-move="${button.dataset.verb}"]`);
  const first = form && [...form.querySelectorAll("input:checked, input:not([type=hidden]), textarea, select")].find(seen);
  if (!first) return false;
  event.preventDefault();
  first.focus();
  return true;
}

// Enter in a field that names the next one goes on to it.
function onward(event) {
  const name = event.target.dataset?.next;
  const next = name && !event.target.getAttribute("role") && (document.getElementById(`${name}_box`) || document.getElementById(name));
  if (next) { event.preventDefault(); next.focus(); }
}

function save(event) {
  event.preventDefault();
  const form = event.target.closest?.("form:not([role=search])") || ["#move form", ".move-form", "form[data-save]"].map((which) => document.querySelector(which)).find(Boolean);
  const button = form && (form.querySelector("[type=submit][data-save]") || form.querySelector("[type=submit].main") || form.querySelector("[type=submit]"));
  if (!button || button.disabled) return;
  window.htmx?.process(form); // a quick hand is here before htmx took the form in charge; sent plainly it would leave the desk
  form.requestSubmit(button);
}

function toMap(event) {
  const map = [...document.querySelectorAll("[data-map]")].find(seen);
  if (!map) return;
  event.preventDefault();
  map.scrollIntoView({ block: "nearest" });
  map.focus();
}

function leave(event) {
  if (document.querySelector("dialog[open]")) return; // the dialog closes itself
  const place = document.getElementById("move");
  if (place?.childElementCount) { place.replaceChildren(); event.preventDefault(); return; }
  if (typing(event.target)) { event.target.blur(); return; }
  document.querySelector("[data-back]")?.click();
}

// — the rows of a queue ——————————————————————————————————————————————————————————————————————————————————

// Which row is the chosen one is remembered for as long as this tab lives, so that it is the same after coming back.
const memory = () => `row:${location.pathname}`;
const idOf = (row) => row.dataset.case || row.dataset.href;

function choose(row) {
  for (const one of document.querySelectorAll("tr[data-row].on")) if (one !== row) one.classList.remove("on");
  row.classList.add("on");
  try { sessionStorage.setItem(memory(), idOf(row)); } catch { /* full: then it is not remembered */ }
}

function mark() {
  const list = rows();
  if (!list.length || list.some((row) => row.classList.contains("on"))) return;
  const wanted = sessionStorage.getItem(memory());
  const row = wanted && list.find((one) => idOf(one) === wanted);
  if (row) { row.classList.add("on"); row.scrollIntoView({ block: "nearest" }); }
}

const STEPS = { J: 1, K: -1, ARROWDOWN: 1, ARROWUP: -1 };

function step(event) {
  const name = event.key.toUpperCase(), by = STEPS[name];
  const arrow = name.startsWith("ARROW"), free = event.target === document.body || event.target.closest?.("tr[data-row]");
  if (by === undefined && event.key !== "Enter") return false;
  if ((arrow || event.key === "Enter") && !free) return false;
  const list = rows();
  if (!list.length) return false;
  const now = list.findIndex((row) => row.classList.contains("on"));
  event.preventDefault();
  if (event.key === "Enter") { const row = list[Math.max(0, now)]; choose(row); row.click(); return true; }
  const next = list[Math.min(list.length - 1, Math.max(0, now + by))];
  choose(next);
  next.scrollIntoView({ block: "nearest" });
  return true;
}

// — the key card —————————————————————————————————————————————————————————————————————————————————————————

function card(event) {
  event.preventDefault();
  if (document.querySelector("dialog.key-card")) return;
  const box = document.createElement("dialog");
  box.className = "key-card";
  const heading = Object.assign(document.createElement("h2"), { textContent: words.card, id: "key-card-name" });
  box.setAttribute("aria-labelledby", heading.id);
  box.append(heading);
  const part = (name, pairs) => {
    if (!pairs.length) return;
    const list = document.createElement("dl");
    for (const [key, what] of pairs) {
      const said = document.createElement("dt");
      for (const one of key.split(" ")) said.append(Object.assign(document.createElement("kbd"), { textContent: one }), " ");
      list.append(said, Object.assign(document.createElement("dd"), { textContent: what }));
    }
    box.append(Object.assign(document.createElement("h3"), { textContent: name }), list);
  };
  const done = new Set();
  const own = usable().filter((one) => !done.has(one.dataset.key) && done.add(one.dataset.key)).map((one) => [one.dataset.key, label(one)]);
  const always = [];
  if (rows().length) always.push(["J K ↓ ↑", words.rows], ["Enter", words.open]);
  if (document.querySelector("form[data-bulk]")) always.push(["X", words.choose]);
  always.push(["Esc", words.back]);
  if (document.querySelector("[data-map]")) always.push(["M", words.map]);
  always.push(["Ctrl+S", words.save], ["Alt+1…9", words.phrase], ["?", words.card2]);
  part(words.here, own);
  part(words.always, always);
  const row = Object.assign(document.createElement("p"), { className: "form-actions" });
  const close = Object.assign(document.createElement("button"), { className: "button main", textContent: words.close });
  const print = Object.assign(document.createElement("button"), { className: "button", textContent: words.print });
  close.addEventListener("click", () => box.close());
  print.addEventListener("click", () => window.print());
  box.addEventListener("close", () => box.remove());
  row.append(close, print);
  const guide = document.querySelector("a[data-guide]"); // what the desk is for, in a minute
  if (guide) {
    const more = Object.assign(document.createElement("button"), { className: "button", textContent: guide.textContent });
    more.addEventListener("click", () => { box.close(); guide.click(); });
    row.append(more);
  }
  box.append(row);
  document.body.append(box);
  box.showModal();
}

function label(one) {
  if (one.ariaLabel || one.placeholder) return (one.ariaLabel || one.placeholder).trim();
  const said = (one.matches("input") ? one.closest("label") : one)?.cloneNode(true);
  said?.querySelectorAll("kbd, .mute, .badge").forEach((part) => part.remove());
  return said?.textContent.trim() || "";
}
