// The class box: one field instead of the long list. Name, code, pinyin initials ("lmjg") and other names find a class;
// what this person uses most stands first; its filing conditions and limits show beside it. Without a script the list stays.
import { combobox, onward } from "./combobox.js";

const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { hint: "Name, code or pinyin initials", usual: "Used most lately", none: "No class is found by this." }
  : { hint: "名称、编码或拼音首字母", usual: "近期常用", none: "没有找到对应的类别。" };
const plain = (text) => text.toLowerCase().normalize("NFKC").replace(/[\s-]/g, "");
const MOST = 60;

export default function boxes(root) {
  for (const select of root.querySelectorAll("select[data-class-box]")) if (!select.dataset.boxed) box(select);
}

function box(select) {
  select.dataset.boxed = "1";
  const all = [...select.querySelectorAll("option")].filter((option) => option.value).map((option) => {
    const name = option.textContent.trim(), bare = name.replace(/^[\d-]+\s*/, "");
    return { value: option.value, label: name, bare: plain(bare), code: plain(name.slice(0, name.length - bare.length)), group: option.parentElement.label || "",
      text: plain(`${name} ${option.dataset.find || ""} ${option.dataset.initials || ""}`), initials: (option.dataset.initials || "").split(" "), usual: Number(option.dataset.usual || 0) };
  });
  const usual = all.filter((one) => one.usual).sort((one, other) => one.usual - other.usual);
  const input = Object.assign(document.createElement("input"), { type: "text", id: `${select.id}_box`, className: "class-search", placeholder: words.hint });
  const label = document.querySelector(`label[for="${select.id}"]`);
  if (label) label.htmlFor = input.id;
  if (select.getAttribute("aria-describedby")) input.setAttribute("aria-describedby", select.getAttribute("aria-describedby"));
  const waits = document.activeElement === select; // somebody was quicker than this script
  select.before(input);
  select.hidden = true;
  if (select.required) { select.required = false; input.required = true; }
  const promise = promises(select, input);
  const named = () => all.find((one) => one.value === select.value)?.label || "";
  const read = () => { input.value = named(); input.setCustomValidity(""); promise(select.value); };
  const set = (value) => { select.value = value; select.dispatchEvent(new Event("change", { bubbles: true })); };

  combobox(input, {
    label: label?.textContent.trim() || words.hint,
    find: (text) => found(all, usual, text),
    mark: (one) => promise(one.value, true),
    choose: (one) => { set(one.value); onward(select); },
  });
  // What was typed and not taken is taken back, so that field and list never disagree. Emptied, it is empty.
  input.addEventListener("change", () => { if (!input.value.trim()) set(""); });
  input.addEventListener("blur", () => { if (input.value !== named()) read(); });
  input.addEventListener("focus", () => input.select());
  select.addEventListener("change", read);
  if (select.value) read();
  if (waits) input.focus();
}

// The better an entry fits, the earlier it stands; among equals what is used more.
function found(all, usual, text) {
  const wanted = plain(text);
  if (!wanted) return [...usual.map((one) => ({ ...one, group: words.usual })), ...all.filter((one) => !one.usual)].slice(0, MOST);
  const fit = (one) => (one.initials.includes(wanted) || one.bare === wanted || one.code === wanted ? 0
    : one.initials.some((these) => these.startsWith(wanted)) || one.bare.startsWith(wanted) || one.code.startsWith(wanted) ? 1 : one.text.includes(wanted) ? 2 : 9);
  const fits = all.map((one, place) => ({ ...one, hint: one.group, group: "", fit: fit(one), place })).filter((one) => one.fit < 9);
  return fits.sort((one, other) => one.fit - other.fit || (one.usual || 99) - (other.usual || 99) || one.place - other.place).slice(0, MOST);
}

// — conditions and limits, beside it ——————————————————————————————————————————————————————————————————————

const known = new Map();

function promises(select, input) {
  const address = select.dataset.promise;
  if (!address || !document.body.dataset.person) return () => {};
  const place = Object.assign(document.createElement("div"), { className: "class-promise", id: `${select.id}_promise` });
  place.setAttribute("aria-live", "polite");
  input.closest(".combobox")?.after(place);
  if (!place.isConnected) select.after(place);
  let timer = 0, wanted = "";
  return (value, later = false) => {
    wanted = value;
    clearTimeout(timer);
    if (!value) { place.replaceChildren(); return; }
    const ask = async () => {
      if (!known.has(value)) {
        known.set(value, fetch(address.replace("00000000-0000-0000-0000-000000000000", value), { headers: { "X-Quiet": "1" } })
          .then((answer) => (answer.ok ? answer.text() : ""), () => ""));
      }
      const text = await known.get(value);
      if (!text) known.delete(value);
      if (wanted === value) place.innerHTML = text; // our own page, escaped by its template
    };
    if (known.has(value) || !later) ask(); else timer = setTimeout(ask, 120);
  };
}
