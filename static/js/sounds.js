// Four short tones, different in rhythm: new, urgent, returned, overdue. Never more than one in five seconds at a seat.
//   [data-sound-settings]  volume, mute, notices of the browser; data-new, data-urgent, … the files (templates/_ui/sounds.html)
// Volume and mute belong to the seat: they are kept in this browser. Muted, or with the page in the background, the title
// counts and, where allowed, the browser gives notice.
const APART_MS = 5000, KEY = "sounds", LAST = "sounded";
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { new: (n) => `${n} new`, urgent: () => "Urgent case", returned: () => "A case came back", overdue: () => "A deadline has passed", blocked: "The browser allows sound after the first click.", granted: "Notices are on", denied: "The browser refuses notices" }
  : { new: (n) => `新到 ${n} 件`, urgent: () => "有紧急案卷", returned: () => "有案卷被退回或返工", overdue: () => "有案卷超期", blocked: "首次点击页面后才能发声", granted: "桌面通知已开启", denied: "浏览器未允许桌面通知" };
const settings = document.querySelector("[data-sound-settings]");
const title = document.title;
let chosen = { muted: false, volume: 60, notices: false, ...read() }, unseen = 0;

function read() {
  try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
}

export function sounds() {
  if (!settings) return;
  document.body.addEventListener("live:rows", ({ detail }) => ring(detail.urgent ? "urgent" : detail.back ? "returned" : "new", detail.arrived));
  document.body.addEventListener("clock:late", ({ detail }) => { if (detail.id) ring("overdue", 1); });
  addEventListener("storage", (event) => { if (event.key === KEY) { chosen = { ...chosen, ...read() }; show(); } });
  for (const name of ["visibilitychange", "focus", "pointerdown", "keydown"]) addEventListener(name, seen, { capture: true, passive: true });
  for (const box of document.querySelectorAll("[data-sound-settings]")) box.addEventListener("input", change), box.addEventListener("click", press);
  show();
}

function ring(kind, number) {
  if (chosen.muted || document.hidden) tell(kind, number);
  if (!chosen.muted) play(kind);
}

// The whole seat makes one sound: its other pages see when the last one was.
function play(kind) {
  const last = Number(localStorage.getItem(LAST) || 0), now = Date.now();
  if (now - last < APART_MS && now >= last) return;
  localStorage.setItem(LAST, String(now));
  sound(kind);
}

function sound(kind) {
  const one = new Audio(settings.dataset[kind]);
  one.volume = chosen.volume / 100;
  document.body.dispatchEvent(new CustomEvent("sound:played", { detail: { kind } }));
  // Before the first click the browser plays nothing: then the bar says so.
  one.play().then(() => blocked(false), () => blocked(true));
}

function blocked(is) {
  for (const one of document.querySelectorAll("[data-sound-state]")) {
    one.classList.toggle("blocked", is);
    if (is) one.title = words.blocked; else one.removeAttribute("title");
  }
}

function tell(kind, number) {
  unseen += number;
  document.title = `(${unseen}) ${title}`;
  if (chosen.notices && document.hidden && window.Notification?.permission === "granted") {
    new Notification(document.title, { body: words[kind](number), tag: "city", silent: true });
  }
}

function seen() {
  if (document.hidden || !unseen) return;
  unseen = 0;
  document.title = title;
}

function change({ target }) {
  if (target.matches("[data-sound-mute]")) chosen.muted = target.checked;
  if (target.matches("[data-sound-volume]")) chosen.volume = Number(target.value);
  keep();
}

async function press({ target }) {
  const one = target.closest("[data-sound-try]");
  if (one) sound(one.dataset.soundTry);
  if (target.closest("[data-sound-notices]")) {
    chosen.notices = await window.Notification?.requestPermission() === "granted";
    keep();
    target.textContent = chosen.notices ? words.granted : words.denied;
  }
}

function keep() {
  localStorage.setItem(KEY, JSON.stringify(chosen));
  show();
}

function show() {
  for (const one of document.querySelectorAll("[data-sound-mute]")) one.checked = chosen.muted;
  for (const one of document.querySelectorAll("[data-sound-volume]")) one.value = chosen.volume;
  for (const one of document.querySelectorAll("[data-sound-state]")) one.dataset.soundState = chosen.muted ? "muted" : "on";
}
