// Single letters press the button that shows them; never while typing or while an input method composes.
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");

export function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return leave(event);
    if (typing(event.target)) return;
    const wanted = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const target = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key.toUpperCase() === wanted && one.offsetParent);
    if (target) { event.preventDefault(); press(target); return; }
    if (wanted === "J" || wanted === "K" || event.key === "Enter") step(wanted, event);
  });
}

// A field is entered; a choice is made and entered, so that Enter sends its form; anything else is clicked.
function press(target) {
  if (!target.matches("input, select, textarea")) return target.click();
  if (target.matches("[type=radio], [type=checkbox]")) target.click();
  target.focus();
}

function leave(event) {
  const place = document.getElementById("move");
  if (place?.childElementCount) { place.replaceChildren(); event.preventDefault(); } else if (typing(event.target)) event.target.blur();
}

function step(wanted, event) {
  const rows = [...document.querySelectorAll("tr[data-row]")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("on"));
  if (event.key === "Enter") { if (now >= 0 && event.target === document.body) window.location = rows[now].dataset.href; return; }
  const next = Math.min(rows.length - 1, Math.max(0, now + (wanted === "J" ? 1 : -1)));
  rows.forEach((row, place) => row.classList.toggle("on", place === next));
  rows[next].scrollIntoView({ block: "nearest" });
  event.preventDefault();
}
