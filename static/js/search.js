// The search of the bar: what is found while it is typed, chosen by the arrow keys. Enter without a choice searches all.
//   input[data-search]   with aria-controls naming the place of what was found
export function searches(root) {
  for (const input of root.querySelectorAll("[data-search]")) {
    if (input.dataset.searching) continue;
    input.dataset.searching = "1";
    search(input, document.getElementById(input.getAttribute("aria-controls")));
  }
}

function search(input, place) {
  const found = () => [...place.querySelectorAll("[role=option]")];
  const now = () => found().findIndex((one) => one.getAttribute("aria-selected") === "true");
  const choose = (wanted) => {
    found().forEach((one, at) => one.setAttribute("aria-selected", String(at === wanted)));
    if (found()[wanted]) input.setAttribute("aria-activedescendant", found()[wanted].id); else input.removeAttribute("aria-activedescendant");
    found()[wanted]?.scrollIntoView({ block: "nearest" });
  };
  const clear = () => { place.replaceChildren(); choose(-1); input.setAttribute("aria-expanded", "false"); };
  place.addEventListener("htmx:afterSwap", () => {
    if (document.activeElement !== input) { clear(); return; }
    input.setAttribute("aria-expanded", String(found().length > 0));
    choose(-1);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], at = now();
    if (step && found().length) { event.preventDefault(); choose((at + step + found().length) % found().length); return; }
    if (event.key === "Escape" && place.childElementCount) { event.preventDefault(); event.stopPropagation(); clear(); return; }
    if (event.key === "Enter" && at >= 0) { event.preventDefault(); found()[at].click(); }
  });
  document.addEventListener("click", (event) => {
    if (place.contains(event.target)) { if (event.defaultPrevented) { clear(); input.value = ""; input.blur(); } return; }
    if (event.target !== input) clear();
  });
}
