// A desk that keeps itself up to date. News name cases, never what is in them: the page asks for what it shows or gains,
// soon where it was quiet, else once for all that came within a second or two. While no news come it says so and asks by itself: slower, never wrong.
//   [data-push]      in the bar: says whether news come; data-ticket, data-stream, data-worker, data-case: where to ask
//   #queue-live      what a queue knows of itself (cases/deltas.py); without one only open case and messages are kept
//   [data-count=tab] numbers of the queues     [data-unread] of new messages
// Tells others: "live:rows" {arrived, urgent, back} and "live:unread" {number} on the body.
import { spans } from "./clock.js";
import { apply, order, parsed, remove, rowsOf, shown } from "./live_rows.js";
import { stream } from "./live_stream.js";
import { caseNews, watchCase, who } from "./presence.js";

const SOON = [150, 500], QUIET = 3000, GATHER = [1000, 1500], HIDDEN_GATHER = [8000, 15_000], COUNTS = [8000, 16_000], POLL = [13_000, 17_000];
const HERE = [40_000, 50_000], SURE = [240_000, 360_000], RETRY = [3000, 6000], MOST_IDS = 50;
const between = ([low, high]) => low + Math.random() * (high - low);
const bar = document.querySelector("[data-push]");
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { on: "Live", off: "Asking every 15 s", onTitle: "Changes arrive by themselves.", offTitle: "The line for news is cut. Nothing is lost: this page asks by itself until it is back." }
  : { on: "实时", off: "推送中断，每15秒自动刷新", onTitle: "有变化会自动更新。", offTitle: "实时推送暂时中断，数据不会丢失：恢复之前本页每15秒自动查询一次。" };

const stale = new Set(), heard = new Map(); // cases to ask about; the newest version heard of
let facts, whole = false, due = 0, askedAt = 0, timer, isAsking = false, isOn, pollAt = 0, hereAt = 0, sureAt = 0;

export function live() {
  if (!bar) return;
  learn();
  listen();
  watchCase({ soon: (milliseconds = 300) => plan(milliseconds), address: bar.dataset.case });
  document.body.addEventListener("htmx:afterSettle", learn);
  addEventListener("pageshow", (event) => { if (event.persisted) { whole = true; plan(200); } });
  addEventListener("visibilitychange", () => { if (!document.hidden && due) plan(between([100, 600])); });
  hereAt = Date.now() + between(HERE);
  sureAt = Date.now() + between(SURE);
  setInterval(look, 1000);
}

// A queue that was just drawn says what it is: its address, its stages, the order of its rows.
function learn() {
  const said = document.getElementById("queue-live");
  if (!said || said.dataset.read) return;
  said.dataset.read = "1";
  facts = JSON.parse(said.textContent);
  order(shown(), facts.orders);
  spans(facts.work);
  who(facts.who, shown());
}

// — what is heard ————————————————————————————————————————————————————————————————————————————————————

function listen() {
  const { ticket: ticketAt, stream: streamAt, worker } = bar.dataset;
  const since = `${(Number(document.body.dataset.now) - 5) * 1000}-0`, said = { ticketAt, streamAt, since };
  const alone = () => stream({ ...said, tell: hear });
  if (!window.SharedWorker) return alone();
  let answered = false;
  try {
    const { port } = new SharedWorker(worker, { type: "module", name: document.body.dataset.person });
    port.addEventListener("message", ({ data }) => { answered = true; hear(data); });
    port.start();
    port.postMessage(said);
    addEventListener("pagehide", () => port.postMessage({ bye: true }));
    addEventListener("pageshow", (event) => { if (event.persisted) port.postMessage(said); });
    setTimeout(() => { if (!answered) alone(); }, 4000);
  } catch { alone(); }
}

function hear(message) {
  if (message.what === "state") return turn(message.on);
  if (message.what === "reset") { whole = true; return plan(between([0, 3000])); }
  if (message.what !== "news") return;
  const { case: id, version, stage } = message.data;
  if (message.name === "box") return plan(between(GATHER));
  if (message.name === "presence") {
    if (caseNews(id)) plan(between([200, 800]));
    else if (rowsOf(id).length) { stale.add(id); plan(between(COUNTS)); }
    return;
  }
  if ((heard.get(id) || 0) < version) heard.set(id, version);
  if (caseNews(id, version)) plan(gathered());
  changed(id, version, facts?.of_parts ? Object.values(message.data.parts).flat() : [stage]);
}

function changed(id, version, stages) {
  if (!facts) return;
  const rows = rowsOf(id);
  if (rows.length && rows.every((row) => Number(row.dataset.version) >= version)) return;
  // What has none of the list's stages does not belong to it: the row goes at once, the numbers follow.
  if (facts.stages.length && stages.length && !stages.some((one) => facts.stages.includes(one))) {
    if (rows.length) remove(rows);
    return plan(between(COUNTS));
  }
  stale.add(id);
  plan(gathered());
}

// The first news after a quiet time is asked about soon; what follows close behind is gathered.
const gathered = () => between(document.hidden ? HIDDEN_GATHER : Date.now() - askedAt > QUIET ? SOON : GATHER);

function turn(on) {
  isOn = on;
  bar.hidden = false;
  bar.dataset.state = on ? "on" : "off";
  bar.textContent = on ? words.on : words.off;
  bar.title = on ? words.onTitle : words.offTitle;
  pollAt = on ? 0 : Date.now() + between(POLL);
}

// — what is asked ————————————————————————————————————————————————————————————————————————————————————

function plan(milliseconds) {
  const at = Date.now() + milliseconds;
  if (due && due <= at) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(ask, milliseconds);
}

function look() {
  const now = Date.now();
  if (pollAt && now > pollAt) { pollAt = now + between(POLL); whole = true; plan(0); }
  if (now > sureAt) { sureAt = now + between(SURE); whole = true; plan(0); }
  if (now > hereAt && !due) { hereAt = now + between(HERE); if (watchCase.isOpen()) plan(0); }
}

async function ask() {
  due = 0;
  if (isAsking) return plan(300);
  isAsking = true;
  askedAt = Date.now();
  const all = whole || stale.size > MOST_IDS, ids = all ? undefined : [...stale];
  stale.clear();
  whole = false;
  hereAt = Date.now() + between(HERE);
  try {
    take(await fetched(ids), ids);
  } catch {
    for (const id of ids || []) stale.add(id);
    whole ||= all;
    plan(between(RETRY));
  } finally { isAsking = false; }
}

async function fetched(ids) {
  const said = new URLSearchParams(facts ? location.search : "");
  said.delete("open");
  if (facts) said.set("tab", facts.tab);
  if (ids) said.set("ids", ids.join(","));
  for (const [name, value] of Object.entries(watchCase.says())) said.set(name, value);
  const answer = await fetch(`${facts ? facts.address : bar.dataset.case}?${said}`, { headers: { Accept: "application/json", "X-Quiet": "1" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) throw new Error("no answer");
  return answer.json();
}

function take(said, ids) {
  unread(said.unread);
  watchCase.take(said.open);
  if (!("rows" in said) || !facts) return;
  for (const [name, number] of Object.entries(said.counts)) {
    for (const one of document.querySelectorAll(`[data-count="${name}"]`)) if (one.textContent !== number) one.textContent = number;
  }
  spans(said.work);
  const rows = parsed(said.rows);
  order(rows, said.orders);
  if (!ids) facts.more = said.more;
  // What changed again while the answer was on its way is asked once more.
  for (const row of rows) if (Number(row.dataset.version) < (heard.get(row.dataset.case) || 0)) { stale.add(row.dataset.case); plan(gathered()); }
  const arrived = apply(rows, { ids, more: facts.more, page: facts.page });
  who(said.who, ids ? ids.flatMap(rowsOf) : shown());
  if (arrived.length) {
    const are = (some) => arrived.filter((row) => some.includes(row.dataset.case)).length;
    tell("live:rows", { arrived: arrived.length, urgent: are(said.urgent), back: are(said.back) });
  }
  const number = document.querySelector("#queue p.pagination");
  if (number) number.textContent = number.textContent.replace(/\d+/, shown().length);
  const nothing = document.querySelector("#queue > .empty");
  if (shown().length) nothing?.remove();
  else if (!nothing || facts.more) drawAnew();
  if (facts.more && shown().length < 25) { whole = true; plan(between(COUNTS)); }
}

// A list that is empty now is drawn by the server: with the words that nothing waits, or with what comes next.
function drawAnew() {
  const url = new URL(location.href);
  url.searchParams.delete("open");
  window.htmx?.ajax("GET", url.pathname + url.search, { source: "#queue", target: "#queue", swap: "innerHTML", headers: { "X-Quiet": "1" } });
}

function unread(number) {
  for (const one of document.querySelectorAll("[data-unread]")) {
    if (Number(one.textContent) !== number) { one.textContent = number || ""; one.hidden = !number; tell("live:unread", { number }); }
  }
}

const tell = (name, detail) => document.body.dispatchEvent(new CustomEvent(name, { detail }));
export const isLive = () => isOn;
