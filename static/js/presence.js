// Who else has the open case open, and who writes on it. One writes at a time; another may take over, with notice, and
// whoever wrote keeps his text.
//   [data-shown=id][data-version]   the head of the case that is open, in the middle of a desk or on a page alone
const english = document.documentElement.lang.startsWith("en");
const words = english ? {
  reads: (names) => `Also open at: ${names}`, writes: (name) => `${name} is working on this case.`, over: "Take over",
  taken: (name) => `${name} has taken this case over. What you typed is kept here.`, back: "Take it back",
  changed: (name) => (name ? `${name} has just changed this case.` : "This case has just changed."), show: "Show",
  fresh: (name) => (name ? `Brought up to date: changed by ${name}.` : "Brought up to date."), row: (names) => `${names} has it open`, and: ", ",
} : {
  reads: (names) => `${names} 也打开了本案卷`, writes: (name) => `${name} 正在办理本案卷`, over: "接手办理",
  taken: (name) => `${name} 已接手本案卷，您填写的内容已保留。`, back: "重新接手",
  changed: (name) => (name ? `${name} 刚刚更新了本案卷` : "本案卷刚刚有更新"), show: "查看",
  fresh: (name) => (name ? `已更新：${name} 刚刚办理` : "已更新"), row: (names) => `${names} 正在查看`, and: "、",
};
const WRITING_MS = 120_000, NOTICE_MS = 8000;
const head = () => document.querySelector("#case [data-shown]");
const pane = () => head()?.closest("#case");
let soon = () => {}, here = "", left = "", writer = "", wasWriting = false, tookAt = 0, typed = new Map(), page = named();

// Each page has a name, so that what it said on its last breath is not taken for news when it comes late.
function named() { return Math.random().toString(36).slice(2, 14); }

export function watchCase({ soon: plan, address }) {
  soon = plan;
  const look = () => {
    const id = head()?.dataset.shown || "";
    if (id === here) return;
    if (here) left = here;
    here = id;
    writer = "";
    tookAt = 0;
    typed = new Map();
    soon(id ? 200 : 1500);
  };
  look();
  for (const name of ["htmx:afterSettle", "case:open"]) document.body.addEventListener(name, () => setTimeout(look));
  document.addEventListener("input", ({ target }) => {
    const form = target.closest?.("#case form");
    if (!form) return;
    typed.set(form, Date.now());
    if (!wasWriting) { wasWriting = true; soon(150); }
  });
  // While somebody else writes, buttons lead to the question whether to take over.
  for (const kind of ["click", "submit"]) document.addEventListener(kind, (event) => {
    if (!writer || isWriting() || !event.target.closest?.(kind === "click" ? "#case [data-verb]" : "#case form")) return;
    event.preventDefault();
    event.stopPropagation();
    document.querySelector("[data-take-over]")?.focus();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-take-over]")) takeOver();
    if (event.target.closest("[data-show-change]")) draw();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) page = named(); });
  addEventListener("pagehide", () => { if (here) fetch(`${address}?left=${here}&bye=${page}`, { keepalive: true, headers: { Accept: "application/json", "X-Quiet": "1" } }).catch(() => {}); });
}

const hasText = () => [...typed.keys()].some((form) => form.isConnected);
const hasBegun = () => hasText() || Boolean(pane()?.querySelector("#move form"));
// Whoever took a case over is about to write on it.
const isWriting = () => Date.now() - tookAt < WRITING_MS
  || [...typed].some(([form, at]) => form.isConnected && Date.now() - at < WRITING_MS);

watchCase.isOpen = () => Boolean(here || left);
// What the next question says of the open case.
watchCase.says = () => {
  const said = {};
  wasWriting = isWriting();
  if (here) Object.assign(said, { open: here, page, version: head()?.dataset.version || "" });
  if (here && wasWriting) said.writes = "1";
  if (left && left !== here) said.left = left;
  left = "";
  return said;
};
watchCase.take = (said) => {
  if (!said || said.case !== here || !head()) return;
  others(said.others);
  if (said.version > Number(head().dataset.version)) changed(said);
};

// Whether a piece of news is about the open case, and newer than what it shows.
export function caseNews(id, version = Infinity) {
  return Boolean(id === here && head() && version > Number(head().dataset.version));
}

// — in the head of the case ——————————————————————————————————————————————————————————————————————————

function others(said) {
  const writing = said.find(([, writes]) => writes)?.[0] || "", place = strip("others");
  if (writing && wasWriting && writer !== writing) { tookAt = 0; note("taken", words.taken(writing), words.back, "takeOver"); }
  if (!writing) document.querySelector(".case-note.taken")?.remove();
  writer = writing;
  pane()?.classList.toggle("held", Boolean(writing) && !hasText());
  const text = writing ? words.writes(writing) : said.length ? words.reads(said.map(([name]) => name).join(words.and)) : "";
  if (place.dataset.said === text) return;
  place.dataset.said = text;
  place.replaceChildren(text);
  place.hidden = !text;
  if (writing && !hasText()) place.append(" ", button(words.over, "takeOver"));
}

function strip(name) {
  const known = head().querySelector(`.${name}`);
  if (known) return known;
  const made = Object.assign(document.createElement("p"), { className: name, hidden: true });
  made.setAttribute("role", "status");
  head().append(made);
  return made;
}

function button(text, what) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "button button-small", textContent: text });
  made.dataset[what] = "";
  return made;
}

function note(kind, text, action, what) {
  document.querySelector(`.case-note.${kind}`)?.remove();
  const made = Object.assign(document.createElement("p"), { className: `notice case-note ${kind}`, textContent: `${text} ` });
  made.setAttribute("role", "status");
  if (action) made.append(button(action, what));
  else setTimeout(() => made.remove(), NOTICE_MS);
  head().after(made);
}

async function takeOver() {
  const headers = { Accept: "application/json", ...JSON.parse(document.body.getAttribute("hx-headers") || "{}") };
  const answer = await fetch(`/case/${here}/take-over/`, { method: "POST", headers }).catch(() => null);
  if (!answer?.ok) return;
  tookAt = Date.now();
  document.querySelector(".case-note.taken")?.remove();
  others((await answer.json()).others.map(([name]) => [name, false]));
  wasWriting = true;
  soon(1000);
}

// — when it changed ——————————————————————————————————————————————————————————————————————————————————

function changed({ by }) {
  const wait = () => note("changed", words.changed(by), words.show, "showChange");
  if (hasBegun()) wait();
  else draw(words.fresh(by), wait);
}

// Not under a form that was opened in between: `wait`, if given, says then that there is something newer.
function draw(said, wait) {
  const place = pane(), back = place?.querySelector(":scope > .back"), top = place?.scrollTop;
  if (!place || !window.htmx) return;
  const url = `/case/${here}/`;
  let isLate = false;
  const look = ({ detail }) => { if (detail.target === place && wait && hasBegun()) { isLate = true; detail.shouldSwap = false; } };
  place.addEventListener("htmx:beforeSwap", look, { once: true });
  window.htmx.ajax("GET", url, { target: place, swap: "innerHTML", headers: { "X-Quiet": "1", "X-Pane": "1" } }).then(() => {
    if (isLate) { wait(); return; }
    if (back && !place.querySelector(":scope > .back")) place.prepend(back);
    place.scrollTop = top;
    if (said && head()) note("fresh", said);
  });
}

// — in the rows of a queue ———————————————————————————————————————————————————————————————————————————

export function who(said, rows) {
  for (const row of rows) {
    const names = (said[row.dataset.case] || []).join(words.and), known = row.querySelector(".row-who");
    if (known?.textContent === names) continue;
    known?.remove();
    if (!names) continue;
    const made = Object.assign(document.createElement("span"), { className: "badge soft row-who", textContent: names, title: words.row(names) });
    (row.querySelector(".c-class, .class") || row.cells[1])?.append(" ", made);
  }
}
