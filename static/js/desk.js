// The desk: three panes on one page. A row of the queue opens in the middle, the map follows, the queue stays as it is.
//   [data-desk]     the panes; #queue, #case, #beside stand in it; its value is the address of this desk
//   [data-wide]     on the panes: the queue is a table over queue and middle as long as no case is open; its button has it too
//   [data-next]     opens the most pressing case of the queue
//   [data-close]    closes the case in the middle
// On the body: case:open {id} when a case was opened, case:changed {id, said} when one changed; `said`: by this person here.
import { follow, tellFollowers, watchFollowers } from "./follow.js";

const desk = document.querySelector("[data-desk]");
const narrow = matchMedia("(max-width: 900px)");
const [queue, middle, beside] = ["queue", "case", "beside"].map((id) => document.getElementById(id));
const CASE = /^\/case\/([0-9a-f-]{36})\/$/;
let opened = "";

const rows = () => [...queue.querySelectorAll("tr[data-row]")];
const rowOf = (id) => rows().find((row) => row.dataset.case === id);
const cursor = () => rows().find((row) => row.classList.contains("on"));
const tell = (name, detail) => document.body.dispatchEvent(new CustomEvent(name, { detail }));
const addressOf = (id) => `/case/${id}/`;
const quiet = { "X-Quiet": "1" };

function put(address) {
  const id = address.searchParams.get("open");
  return { queue: address.search, id: id && CASE.test(addressOf(id)) ? id : "" };
}

function withOpen(address, id) {
  const url = new URL(address, location.href);
  if (id) url.searchParams.set("open", id); else url.searchParams.delete("open");
  return url;
}

function point(row) {
  for (const one of rows()) one.classList.toggle("on", one === row);
  row?.scrollIntoView({ block: "nearest" });
}

function mark() {
  for (const row of rows()) {
    row.classList.toggle("open", row.dataset.case === opened);
    if (row.dataset.case === opened) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
  }
}

// — the middle ——————————————————————————————————————————————————————————————————————————————————————

function fetchCase(id) {
  middle.setAttribute("aria-busy", "true");
  return htmx.ajax("GET", addressOf(id), { source: middle, target: middle, swap: "innerHTML" })
    .finally(() => middle.removeAttribute("aria-busy"));
}

export function open(id, { remember = true } = {}) {
  if (narrow.matches) { location.assign(addressOf(id)); return; }
  const before = opened;
  opened = id;
  desk.toggleAttribute("data-open", true);
  point(rowOf(id) || cursor());
  mark();
  if (remember && before !== id) history[before ? "replaceState" : "pushState"]({}, "", withOpen(location.href, id));
  middle.scrollTop = 0;
  fetchCase(id);
  tell("case:open", { id });
}

function close({ remember = true } = {}) {
  if (!opened) return;
  point(rowOf(opened) || cursor());
  opened = "";
  desk.toggleAttribute("data-open", false);
  mark();
  if (remember) history.replaceState({}, "", withOpen(location.href, ""));
  middle.replaceChildren(document.getElementById("no-case").content.cloneNode(true));
  document.getElementById("near").replaceChildren();
  document.body.focus();
  tell("case:open", { id: "" });
}

// The case as it stands now, without losing the place that is read.
function again() {
  const top = middle.scrollTop;
  return fetchCase(opened).then(() => { middle.scrollTop = top; });
}

const writing = () => [...middle.querySelectorAll("form")].some((form) => form.contains(document.activeElement)
  || [...form.elements].some((one) => one.matches("textarea, input[type=text]") && one.value !== one.defaultValue));

// — the map and what is near ————————————————————————————————————————————————————————————————————————

const facts = () => middle.querySelector("[data-shown]")?.dataset;

function show() {
  if (!facts()) return;
  if (!desk.hasAttribute("data-detached")) follow(beside, facts());
  tellFollowers(facts());
}

function detached(is) {
  const was = desk.toggleAttribute("data-detached", is);
  if (!was && facts()) follow(beside, facts());
}

// — the queue ———————————————————————————————————————————————————————————————————————————————————————

async function load(address, { remember = true } = {}) {
  const url = withOpen(address, opened), on = cursor(), place = rows().indexOf(on), top = queue.querySelector(".rows-box")?.scrollTop;
  if (remember) history.pushState({}, "", url);
  const asked = withOpen(url, "");
  await htmx.ajax("GET", `${asked.pathname}${asked.search}`, { source: queue, target: queue, swap: "innerHTML", headers: quiet });
  const box = queue.querySelector(".rows-box");
  if (box && !remember) box.scrollTop = top;
  widen(desk.hasAttribute("data-wide"));
  if (place >= 0 && !remember) point(rowOf(on.dataset.case) || rows()[Math.min(place, rows().length - 1)]);
}

function next() {
  const row = rows().find((one) => one.dataset.case !== opened);
  if (row) open(row.dataset.case);
}

function say(words) {
  const place = document.getElementById("toast");
  const line = Object.assign(document.createElement("p"), { className: "notice notice-good", textContent: words });
  place.replaceChildren(line);
  setTimeout(() => line.remove(), 6000);
}

// — what people do ——————————————————————————————————————————————————————————————————————————————————

const plainClick = (event) => !event.defaultPrevented && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

function clicked(event) {
  if (!plainClick(event)) return;
  const target = event.target;
  if (target.closest("[data-close]")) { event.preventDefault(); event.stopPropagation(); close(); return; }
  if (target.closest("[data-next]")) { next(); return; }
  if (target.closest("button[data-wide]")) { widen(!desk.hasAttribute("data-wide")); return; }
  const link = target.closest("a[href]");
  if (link?.hasAttribute("data-detach")) { event.preventDefault(); window.open(link.href, link.target, "popup,width=900,height=1000"); return; }
  if (link?.target === "_blank" || link?.hasAttribute("hx-get")) return;
  const address = link && new URL(link.href);
  if (address?.origin === location.origin) {
    const [, id] = address.pathname.match(CASE) || [];
    if (id && !narrow.matches) { event.preventDefault(); open(id); return; }
    if (link.closest(".queues, .pagination, [data-within]") && address.pathname === desk.dataset.desk) { event.preventDefault(); load(address); return; }
  }
  const row = !link && target.closest("tr[data-row]");
  if (row && !target.closest("button, input, label, select") && !getSelection().toString()) { event.preventDefault(); open(row.dataset.case); }
}

function sent(event) {
  const form = event.target;
  if (!form.matches("form[data-filters]")) return;
  event.preventDefault();
  const said = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  load(`${desk.dataset.desk}?${said}`);
}

// As a table over queue and middle, until a case is opened; remembered for this seat.
function widen(wide) {
  desk.toggleAttribute("data-wide", wide);
  localStorage.setItem("desk-wide", wide ? "1" : "");
  for (const one of queue.querySelectorAll("[data-wide]")) one.setAttribute("aria-pressed", String(wide));
}

const folds = () => [...queue.querySelectorAll("details.over[open]")];

function start() {
  widen(Boolean(localStorage.getItem("desk-wide")));
  document.addEventListener("click", (event) => { for (const one of folds()) if (!one.contains(event.target)) one.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && folds().length) { event.stopPropagation(); for (const one of folds()) { one.open = false; one.querySelector("summary").focus(); } } }, true);
  new MutationObserver(mark).observe(queue, { childList: true, subtree: true });
  desk.addEventListener("click", clicked);
  document.getElementById("bar-hits")?.addEventListener("click", clicked);
  watchFollowers(detached, facts);
  queue.addEventListener("submit", sent, true);
  // Of two that were asked for, only the latter is shown.
  middle.addEventListener("htmx:beforeSwap", ({ detail }) => { if (detail.target === middle && detail.pathInfo.requestPath !== addressOf(opened)) detail.shouldSwap = false; });
  middle.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target === middle) show(); });
  middle.addEventListener("htmx:responseError", (event) => { if (event.detail.target === middle) close(); });
  document.body.addEventListener("case:changed", ({ detail }) => {
    if (detail.said) { say(detail.said); load(location.href, { remember: false }); }
    if (detail.id === opened && (detail.said || !writing())) again();
  });
  addEventListener("popstate", () => {
    const { id } = put(new URL(location.href));
    if (id) open(id, { remember: false }); else close({ remember: false });
    load(location.href, { remember: false });
  });
  const { id } = put(new URL(location.href));
  if (id) { if (narrow.matches) location.replace(addressOf(id)); else open(id, { remember: false }); }
}

if (desk) start();
