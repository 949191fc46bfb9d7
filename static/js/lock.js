// A desk left alone is covered: after the time set for it the page leads to the lock. Somebody who only types, and sends
// nothing, is at work too: the page says so for him now and then.
const { idleMinutes, lock, awake } = document.body.dataset;
const SAY_EVERY_MS = 120_000;
const seen = "seen-at-work";
let noted = 0, said = Date.now();

function note() {
  const now = Date.now();
  if (now - noted < 5000) return;
  noted = now;
  localStorage.setItem(seen, String(now));
  if (now - said > SAY_EVERY_MS) { said = now; fetch(awake).catch(() => {}); }
}

function look() {
  const idle = Date.now() - Number(localStorage.getItem(seen) || Date.now());
  if (idle > Number(idleMinutes) * 60_000) location.assign(`${lock}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export function locks() {
  if (!idleMinutes) return;
  note();
  for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) addEventListener(kind, note, { passive: true, capture: true });
  setInterval(look, 10_000);
  addEventListener("pageshow", (event) => { if (event.persisted) look(); });
}
