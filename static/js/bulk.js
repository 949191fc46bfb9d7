// Choosing rows of a queue: a box on each row, Shift for a range, X for the row in hand, "all that match" from the server.
//   form[data-bulk]  the bar with what may be done; its value is where the ids of the whole queue are asked
const chosen = new Set();
const queue = document.getElementById("queue");
let last = "";

const bar = () => queue.querySelector("form[data-bulk]");
const rows = () => [...queue.querySelectorAll("tr[data-row][data-case]")];

function draw() {
  const form = bar();
  if (!form) return;
  for (const row of rows()) {
    const place = row.querySelector(".c-lamp");
    let box = row.querySelector("input[data-choose]");
    if (!box && place) {
      box = Object.assign(document.createElement("input"), { type: "checkbox", ariaLabel: `${form.dataset.rowLabel} ${row.querySelector(".c-number")?.textContent || ""}`.trim() });
      box.dataset.choose = "";
      place.append(box);
    }
    if (box) box.checked = chosen.has(row.dataset.case);
    row.classList.toggle("chosen", chosen.has(row.dataset.case));
  }
  queue.classList.toggle("choosing", chosen.size > 0);
  form.hidden = !chosen.size;
  form.querySelector("[data-bulk-count]").textContent = chosen.size;
  form.elements.cases.value = [...chosen].join(",");
  form.elements.back.value = location.pathname + location.search;
}

function set(id, on) { if (on) chosen.add(id); else chosen.delete(id); }

function toggle(row, range) {
  const list = rows(), on = !chosen.has(row.dataset.case);
  const from = list.findIndex((one) => one.dataset.case === last), to = list.indexOf(row);
  if (range && from >= 0) for (const one of list.slice(Math.min(from, to), Math.max(from, to) + 1)) set(one.dataset.case, on);
  else set(row.dataset.case, on);
  last = row.dataset.case;
  draw();
}

async function all(button) {
  button.disabled = true;
  try {
    const url = new URL(bar().dataset.bulk, location.href);
    url.search = location.search;
    url.searchParams.delete("page");
    url.searchParams.delete("open");
    const tab = queue.querySelector(".queues [data-count], .queues [aria-current]")?.closest("nav").querySelector("[aria-current]");
    if (tab && !url.searchParams.get("tab")) url.searchParams.set("tab", new URL(tab.href).searchParams.get("tab"));
    url.searchParams.set("all", "1");
    const answer = await fetch(url, { headers: { "X-Quiet": "1" } });
    if (answer.ok) for (const id of (await answer.json()).ids) chosen.add(id);
  } finally { button.disabled = false; }
  draw();
}

function start() {
  // Before the desk's own listener: a click on a box, or with Shift, chooses and does not open.
  queue.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row][data-case]"), box = event.target.closest("input[data-choose]");
    if (row && (box || event.shiftKey)) {
      if (!box) event.preventDefault();
      event.stopPropagation();
      getSelection().removeAllRanges();
      toggle(row, event.shiftKey);
    }
    const button = event.target.closest("[data-bulk-all], [data-bulk-none]");
    if (button?.matches("[data-bulk-all]")) all(button);
    if (button?.matches("[data-bulk-none]")) { chosen.clear(); draw(); }
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.key.toUpperCase() !== "X") return;
    if (event.target.closest?.("input:not([type=checkbox]), textarea, select") || document.querySelector("dialog[open]")) return;
    if ([...document.querySelectorAll("[data-key=X]")].some((one) => one.offsetParent)) return; // a button of that key comes first
    const row = rows().find((one) => one.classList.contains("on")) || rows()[0];
    if (row) { event.preventDefault(); toggle(row, event.shiftKey); }
  });
  new MutationObserver((changes) => { if (changes.some((one) => [...one.addedNodes].some((node) => node.nodeType === 1 && !node.matches("input[data-choose]")))) draw(); })
    .observe(queue, { childList: true, subtree: true });
  draw();
}

if (queue) start();
