// Single letters press the button that shows them; never while typing or while an input method composes.
//   [data-key=L]                 what L presses     J, K: next and previous row     Enter: open     Esc: back     ?: the key card
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { card: "Keys on this page", rows: "next, previous row", open: "open the row", back: "back", close: "Close" }
  : { card: "本页按键", rows: "下一行、上一行", open: "打开所选行", back: "返回", close: "关闭" };
const shown = () => [...document.querySelectorAll("[data-key]")].filter((one) => one.offsetParent);

export function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return leave(event);
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") return card(event);
    const wanted = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const target = shown().find((one) => one.dataset.key.toUpperCase() === wanted);
    if (target) { event.preventDefault(); press(target); return; }
    if (wanted === "J" || wanted === "K" || event.key === "Enter") step(wanted, event);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-key-card]")) card(event);
    // Back to the very row and place from which the page was opened.
    const back = event.target.closest("[data-back]");
    if (back && cameFrom(back.href)) { event.preventDefault(); history.back(); }
  });
}

const cameFrom = (address) => document.referrer && new URL(document.referrer).origin === location.origin
  && new URL(document.referrer).pathname === new URL(address).pathname;

// A field is entered; a choice is made and entered, so that Enter sends its form; anything else is clicked.
function press(target) {
  if (!target.matches("input, select, textarea")) return target.click();
  if (target.matches("[type=radio], [type=checkbox]")) target.click();
  target.focus();
}

function leave(event) {
  const place = document.getElementById("move");
  if (place?.childElementCount) { place.replaceChildren(); event.preventDefault(); return; }
  if (typing(event.target)) { event.target.blur(); return; }
  const back = document.querySelector("[data-back]");
  if (back && !document.querySelector("dialog[open]")) back.click();
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

function card(event) {
  event.preventDefault();
  const box = document.createElement("dialog"), list = document.createElement("dl");
  box.className = "key-card";
  const row = (name, what) => {
    const key = document.createElement("dt");
    key.append(Object.assign(document.createElement("kbd"), { textContent: name }));
    list.append(key, Object.assign(document.createElement("dd"), { textContent: what }));
  };
  for (const one of shown()) row(one.dataset.key, label(one));
  if (document.querySelector("tr[data-row]")) { row("J K", words.rows); row("Enter", words.open); }
  row("Esc", words.back);
  const close = Object.assign(document.createElement("button"), { className: "button", textContent: words.close });
  close.addEventListener("click", () => box.close());
  box.addEventListener("close", () => box.remove());
  box.append(Object.assign(document.createElement("h2"), { textContent: words.card }), list, close);
  document.body.append(box);
  box.showModal();
}

function label(one) {
  if (one.ariaLabel || one.placeholder) return one.ariaLabel || one.placeholder;
  const said = (one.matches("input") ? one.closest("label") : one)?.cloneNode(true);
  said?.querySelectorAll("kbd, .mute, .badge").forEach((part) => part.remove());
  return said?.textContent.trim() || "";
}
