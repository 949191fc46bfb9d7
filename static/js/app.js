// Everything a page needs, by what stands in it. Each module looks for its own data-attributes.
import { clocks } from "./clock.js";
import { drafts } from "./draft.js";
import { guide } from "./guide.js";
import { hands } from "./hand.js";
import { keys } from "./keys.js";
import { live } from "./live.js";
import { locks } from "./lock.js";
import { maps } from "./map.js";
import { phrases } from "./phrases.js";
import { telephone } from "./telephone.js";
import { searches } from "./search.js";
import { sounds } from "./sounds.js";
import { uploads } from "./upload.js";

function wake(root) {
  for (const part of [boxes, drafts, clocks, uploads, maps, searches]) part(root);
}

// A row is a link as a whole.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.defaultPrevented && !event.target.closest("a, button, input, label, select") && !getSelection().toString()) window.location = row.dataset.href;
});

// A filter acts when it is chosen (in a fold of many: when they are sent), and leaves nothing empty in the address.
document.addEventListener("change", (event) => {
  if (event.target.matches("form[data-filters] :is(select, [type=checkbox]):not(.over-body *)")) event.target.form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-filters]")) for (const one of event.target.elements) if (one.name && !one.value) one.disabled = true;
});

// Boxes are fetched only where one stands.
const BOXES = { "[data-class-box]": () => import("./class_box.js"), "[data-place-box]": () => import("./place_box.js") };

function boxes(root) {
  if (root.querySelector("[data-shots]")) import("./evidence.js").catch(() => {});
  if (root.querySelector("[data-copy]")) import("./copy.js").catch(() => {});
  for (const [which, fetched] of Object.entries(BOXES)) if (root.querySelector(which)) fetched().then((box) => box.default(root)).catch(() => {});
}

document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-cancel]")?.closest("#move, .push-place");
  if (place) { event.preventDefault(); place.replaceChildren(); }
});

// A form that was fetched is entered at its first field.
function enter(place) {
  if (place.matches("#queue, #case, #near, .over-body")) return;
  const first = place.querySelector("input:checked, .wrong input, .wrong textarea, .wrong select, textarea, select:not([hidden]), input:not([type=hidden])");
  if (first && !first.closest("#pane")) first.focus({ preventScroll: true });
}

wake(document);
hands();
keys();
guide();
locks();
sounds();
live();
phrases();
telephone();
document.body.addEventListener("htmx:load", (event) => { if (event.target !== document.body) wake(event.target.parentElement || event.target); });
document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.querySelector?.("form") || event.target.matches("form, #move .candidates")) enter(event.target); });

// Back from another page, what was left out of the address can be chosen again.
addEventListener("pageshow", (event) => { if (event.persisted) for (const one of document.querySelectorAll("form[data-filters] [disabled]")) one.disabled = false; });
