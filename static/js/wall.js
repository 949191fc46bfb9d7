// The wall: one scene after the other, each fetched shortly before it is shown. News makes the scene that is seen come
// anew, at most every few seconds; without news it comes every half minute. Nobody has to touch it, and anybody may.
//   space holds · ← → step · 1–9 a certain scene · F full screen · ? the keys
import { clocks } from "./clock.js";

const stage = document.querySelector("[data-wall]");
const state = document.querySelector("[data-wall-state]");
const progress = document.querySelector("[data-wall-progress]");
const clock = document.querySelector("[data-wall-clock]");
const card = document.querySelector("[data-wall-keys]");
const tabs = [...document.querySelectorAll("[data-scene]")];
const order = tabs.map((tab) => tab.dataset.scene);
const language = document.documentElement.lang;
const SECONDS = Number(stage.dataset.seconds), POLL = 30, NEWS = 6, DEAD = 40, CITY = "Asia/Shanghai";

let here = order.indexOf(stage.dataset.now), shownAt = Date.now(), freshAt = Date.now(), askedAt = Date.now(), newsAt = 0, held = false, heard = 0;
let asked = null, line = null, lines = "waits", away = false, out = false;

// — what is seen —————————————————————————————————————————————————————————————————————————————————————

async function fetchScene(name) {
  const answer = await fetch(`${stage.dataset.base}${name}/`, { headers: { "X-Quiet": "1" } }).catch(() => null);
  out = Boolean(answer && (answer.redirected || answer.status === 401 || answer.status === 403));
  away = !answer?.ok || out;
  tell();
  return away ? null : { html: await answer.text(), drawnAt: Date.now() - 1000 * (Number(answer.headers.get("X-Age")) + 1) };
}

async function show(place, { anew = false } = {}) {
  const wanted = (place + order.length) % order.length;
  const mine = (asked = {});
  askedAt = Date.now();
  const drawn = await fetchScene(order[wanted]);
  if (asked !== mine) return; // somebody pressed a key meanwhile
  if (!drawn) { shownAt = Date.now(); return; } // what is seen stays
  stage.classList.toggle("comes", !anew);
  stage.innerHTML = drawn.html;
  clocks(stage);
  freshAt = drawn.drawnAt;
  if (!anew) shownAt = Date.now();
  here = wanted;
  for (const [number, tab] of tabs.entries()) if (number === here) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
}

function hold(whether) {
  held = whether;
  if (!held) shownAt = Date.now();
  tell();
}

function tell() {
  const said = state.dataset;
  const at = new Date(freshAt).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", timeZone: CITY });
  state.className = `wall-state${out || away ? " fails" : lines === "up" && !held ? "" : lines === "waits" ? "" : " warns"}`;
  state.textContent = out ? said.out : away ? `${said.away} ${at}` : held ? said.held : lines === "down" ? said.polls : lines === "up" ? said.live : "";
}

setInterval(() => {
  const now = Date.now(), seen = (now - shownAt) / 1000, since = (now - askedAt) / 1000;
  progress.style.transform = `scaleX(${held ? 0 : Math.min(1, seen / SECONDS)})`;
  const day = new Date(now);
  clock.replaceChildren(Object.assign(document.createElement("small"), { textContent: day.toLocaleDateString(language, { month: "long", day: "numeric", weekday: "long", timeZone: CITY }) }), day.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: CITY }));
  if (!held && seen >= SECONDS && order.length > 1) { shownAt = now; show(here + 1); } else if (since >= POLL || (newsAt > freshAt && since >= NEWS)) show(here, { anew: true });
  if (lines === "up" && now - heard > DEAD * 1000) drop();
}, 500);

// — news —————————————————————————————————————————————————————————————————————————————————————————————

async function listen() {
  const answer = await fetch(stage.dataset.ticket, { headers: { "X-Quiet": "1", Accept: "application/json" } }).catch(() => null);
  const ticket = answer?.ok && !answer.redirected ? (await answer.json().catch(() => ({}))).ticket : null;
  if (!ticket) { drop(); return; }
  line = new EventSource(`/live/?ticket=${encodeURIComponent(ticket)}`);
  const alive = () => { heard = Date.now(); if (lines !== "up") { lines = "up"; tell(); } };
  line.addEventListener("open", alive);
  for (const kind of ["beat", "up", "presence", "box"]) line.addEventListener(kind, alive);
  for (const kind of ["case", "reset"]) line.addEventListener(kind, () => { alive(); newsAt = Date.now(); });
  line.addEventListener("down", () => { lines = "down"; heard = Date.now(); tell(); });
  line.addEventListener("renew", () => { line.close(); listen(); });
  line.addEventListener("error", drop);
}

function drop() {
  line?.close();
  line = null;
  lines = "down";
  heard = Date.now();
  tell();
  setTimeout(listen, 15000 + Math.random() * 15000);
}

// — keys —————————————————————————————————————————————————————————————————————————————————————————————

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  if (event.key === " ") hold(!held);
  else if (event.key === "ArrowRight") show(here + 1);
  else if (event.key === "ArrowLeft") show(here - 1);
  else if (number >= 1 && number <= order.length) show(number - 1);
  else if (event.key === "f" || event.key === "F") { if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen?.(); }
  else if (event.key === "?") { if (card.open) card.close(); else card.showModal(); }
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
for (const [number, tab] of tabs.entries()) tab.addEventListener("click", (event) => { event.preventDefault(); hold(true); show(number); });

tell();
listen();
show(here, { anew: true });
