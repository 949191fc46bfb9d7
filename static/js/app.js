// Everything a page needs, by what stands in it. Each module looks for its own data-attributes.
import { clocks } from "./clock.js";
import { drafts } from "./draft.js";
import { keys } from "./keys.js";
import { maps } from "./map.js";
import { uploads } from "./upload.js";

const all = (root) => { clocks(root); drafts(root); uploads(root); maps(root); rows(root); classBoxes(root); };

function rows(root) {
  for (const row of root.querySelectorAll("tr[data-href]")) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a, button, input, label")) window.location = row.dataset.href;
    });
  }
}

function classBoxes(root) {
  if (root.querySelector("[data-class-box]")) import("./class_box.js").then((box) => box.default?.(root)).catch(() => {});
}

document.addEventListener("click", (event) => {
  const cancel = event.target.closest("[data-cancel]");
  const place = cancel?.closest("#move");
  if (place) { event.preventDefault(); place.replaceChildren(); }
});
all(document);
keys();
document.body.addEventListener("htmx:load", (event) => { if (event.target !== document.body) all(event.target.parentElement || event.target); });
document.body.addEventListener("htmx:afterSettle", (event) => event.target.querySelector?.("textarea, input:not([type=hidden])")?.focus({ preventScroll: true }));
