// A text field with a list to choose from (ARIA combobox): ↓ ↑ go through it, Enter or Tab takes what is marked, Esc shuts it.
// While an input method composes its letters are searched for, and no key is taken from it.
//   options.find(text)     what to offer: an array, or a promise of one, of { label, hint, mark, group }; [] shuts the list
//   options.choose(one)    it was taken      options.mark(one): it is only looked at      options.wait: milliseconds before asking
let number = 0;

export function combobox(input, { find, choose, mark = () => {}, wait = 0, label = "" }) {
  number += 1;
  const list = Object.assign(document.createElement("ul"), { id: `listbox-${number}`, className: "listbox", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", label || input.ariaLabel || "");
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off", spellcheck: "false" })) input.setAttribute(name, value);
  const frame = document.createElement("div");
  frame.className = "combobox";
  input.before(frame);
  frame.append(input, list);
  let shown = [], at = -1, asked = 0, timer = 0, changed = false;

  function shut() {
    list.hidden = true;
    list.replaceChildren();
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function go(place) {
    const items = list.querySelectorAll("[role=option]");
    items[at]?.setAttribute("aria-selected", "false");
    at = place;
    const item = items[at];
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
    mark(shown[at]);
  }

  function show(found) {
    shown = found;
    list.replaceChildren();
    let group;
    found.forEach((one, place) => {
      if (one.group && one.group !== group) {
        group = one.group;
        list.append(Object.assign(document.createElement("li"), { className: "listbox-group", role: "presentation", textContent: group }));
      }
      const item = Object.assign(document.createElement("li"), { id: `${list.id}-${place}`, role: "option", ariaSelected: "false" });
      item.append(Object.assign(document.createElement("span"), { textContent: one.label }));
      if (one.hint) item.append(Object.assign(document.createElement("span"), { className: "mute", textContent: one.hint }));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(place); });
      list.append(item);
    });
    if (!found.length) return shut();
    list.hidden = false;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", "true");
    at = -1;
    go(0);
  }

  function take(place) {
    const one = shown[place];
    changed = false;
    asked += 1; // an answer that is still on its way comes too late
    clearTimeout(timer);
    shut();
    if (one) choose(one);
  }

  async function look() {
    const mine = (asked += 1), text = input.value.replace(/['’]/g, "");
    const found = await find(text);
    if (mine === asked && document.activeElement === input) show(found);
  }

  input.addEventListener("input", () => { changed = true; clearTimeout(timer); if (wait) timer = setTimeout(look, wait); else look(); });
  input.addEventListener("keydown", async (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return look();
      const step = event.key === "ArrowDown" ? 1 : -1;
      go((at + step + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault(); // it never sends the form from here
      if (changed && wait) { clearTimeout(timer); await look(); } // whoever types fast gets what he typed, not what was there before
      if (!list.hidden) take(Math.max(0, at));
    } else if (event.key === "Tab") {
      if (open && changed) take(Math.max(0, at));
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      shut();
    }
  });
  input.addEventListener("blur", () => { clearTimeout(timer); asked += 1; shut(); });
  input.addEventListener("click", () => { if (list.hidden) look(); });
  return { shut, look };
}

// On to the next field that the page names: data-next="id_place" at the field that was just done.
export function onward(field) {
  const next = document.getElementById(field.dataset.next || "");
  const there = next?.hidden ? document.getElementById(`${next.id}_box`) : next;
  if (there) there.focus();
}
