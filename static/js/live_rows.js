// Rows come, change and go without moving what is being read.
const MARKED_MS = { "row-new": 6000, "row-changed": 3000 }, MOST_ROWS = 100;
const orders = new WeakMap(); // what sorts a row as the list does
const english = document.documentElement.lang.startsWith("en");
const above = english ? (n) => `↑ ${n} new above` : (n) => `↑ 上方新增 ${n} 件`;

export const list = () => document.getElementById("rows") || document.querySelector("#queue tbody");
export const shown = () => [...(list()?.querySelectorAll(":scope > tr[data-case]") || [])];
export const rowsOf = (id) => shown().filter((row) => row.dataset.case === id);
export const order = (rows, said) => rows.forEach((row, place) => orders.set(row, said[place] || ""));

export function parsed(html) {
  const box = document.createElement("template");
  box.innerHTML = `<table><tbody>${html}</tbody></table>`;
  return [...box.content.querySelectorAll("tr[data-case]")];
}

// `rows`: as they are now, in order. `ids`: the cases asked about, undefined when these are all rows of the page.
// Returns the rows that were not there before.
export function apply(rows, { ids, more, page }) {
  const keep = held(), before = new Set(shown().map((row) => row.dataset.case));
  for (const id of ids || before) {
    const fresh = rows.filter((row) => row.dataset.case === id);
    rowsOf(id).forEach((old, place) => { if (fresh[place]) exchange(old, fresh[place]); else old.remove(); });
  }
  if (ids) for (const row of rows) place(row, { more, page });
  else inOrder(rows);
  for (const row of shown().slice(MOST_ROWS)) row.remove();
  const arrived = rows.filter((row) => row.isConnected && !before.has(row.dataset.case));
  for (const row of arrived) mark(row, "row-new");
  keep(arrived);
  return arrived;
}

export function remove(rows) {
  const keep = held();
  // What is open stays, pale, until its reader goes on.
  for (const row of rows) if (row.matches(".on, .open, [aria-current]")) row.classList.add("row-gone"); else row.remove();
  keep([]);
}

function exchange(old, fresh) {
  for (const name of ["on", "open"]) fresh.classList.toggle(name, old.classList.contains(name));
  for (const name of ["aria-selected", "aria-current", "tabindex"]) if (old.hasAttribute(name)) fresh.setAttribute(name, old.getAttribute(name));
  const ticks = [...fresh.querySelectorAll("input[type=checkbox]")];
  old.querySelectorAll("input[type=checkbox]").forEach((one, place) => { if (ticks[place]) ticks[place].checked = one.checked; });
  const within = [...old.querySelectorAll("a, button, input")].indexOf(document.activeElement), itself = old === document.activeElement;
  if (old.dataset.version !== fresh.dataset.version) mark(fresh, "row-changed");
  old.replaceWith(fresh);
  if (itself) fresh.focus({ preventScroll: true });
  if (within >= 0) fresh.querySelectorAll("a, button, input")[within]?.focus({ preventScroll: true });
}

// Where the list's order wants it; not beyond what this page shows of the list.
function place(row, { more, page }) {
  const others = shown().filter((one) => one !== row), mine = orders.get(row);
  const next = others.find((one) => (orders.get(one) || "") > mine);
  if (row.isConnected && (row.nextElementSibling || undefined) === next) return;
  if (!row.isConnected && ((!next && more && others.length) || (next === others[0] && page > 1))) return;
  list().insertBefore(row, next || null);
}

function inOrder(rows) {
  if (shown().every((row, number) => row === rows[number]) && shown().length === rows.length) return;
  const focus = list().contains(document.activeElement) && document.activeElement;
  list().append(...rows);
  if (focus) focus.focus({ preventScroll: true });
}

function mark(row, name) {
  row.classList.add(name);
  setTimeout(() => row.classList.remove(name), MARKED_MS[name]);
}

// Remember where what is read stands, and put it there again afterwards.
function held() {
  const frame = scroller(list()), top = frame === document.scrollingElement ? 0 : frame.getBoundingClientRect().top;
  const seen = (row) => { const box = row.getBoundingClientRect(); return box.bottom > top + 1 && box.top < top + frame.clientHeight; };
  const rows = shown(), anchor = rows.find((row) => row.matches(".on, .open, [aria-current]") && seen(row)) || (frame.scrollTop > 0 && rows.find(seen));
  const id = anchor?.dataset?.case, was = anchor ? anchor.getBoundingClientRect().top : 0;
  return (arrived) => {
    const now = id && rowsOf(id)[0];
    if (now) frame.scrollTop += now.getBoundingClientRect().top - was;
    pill(frame, arrived.filter((row) => row.getBoundingClientRect().bottom <= top + 1).length);
  };
}

function scroller(element) {
  for (let one = element; one && one !== document.body; one = one.parentElement) {
    if (one.scrollHeight > one.clientHeight && /auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  }
  return document.scrollingElement;
}

function pill(frame, number) {
  if (!number) return;
  let one = document.querySelector(".new-above");
  if (!one) {
    one = Object.assign(document.createElement("button"), { type: "button", className: "button main new-above" });
    one.addEventListener("click", () => { frame.scrollTo({ top: 0 }); one.parentElement.remove(); });
    const watched = frame === document.scrollingElement ? document : frame;
    watched.addEventListener("scroll", function seen() { if (frame.scrollTop < 8) { one.parentElement?.remove(); watched.removeEventListener("scroll", seen); } });
    const place = Object.assign(document.createElement("div"), { className: "new-place" });
    place.append(one);
    list().closest("table").before(place);
  }
  one.dataset.number = Number(one.dataset.number || 0) + number;
  one.textContent = above(one.dataset.number);
}
