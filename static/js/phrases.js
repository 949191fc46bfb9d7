// Phrases 惯用语: one's own and those of one's role, put into a text by Alt+1 … Alt+9. They show below the text that is being written.
//   {class} and {place} in a phrase become what the form says
const FIELDS = new Set(["description", "answer", "opinion", "reason", "demand", "reply"]);
const fits = (element) => element?.matches?.("textarea") && FIELDS.has(element.name) && !element.closest("[data-no-phrases]");
const seen = (one) => one.offsetParent !== null;
const english = document.documentElement.lang.startsWith("en");
const words = english ? { own: "My phrases" } : { own: "我的惯用语" };
let asked = null;

function all() {
  asked ||= fetch("/phrases/mine/", { headers: { "X-Quiet": "1" } }).then((answer) => (answer.ok ? answer.json() : { phrases: [] }), () => ({ phrases: [] }));
  return asked.then((answer) => answer.phrases);
}

const of = (list, field) => list.filter((one) => !one.use || one.use === field.name).slice(0, 9);

export function phrases() {
  if (!document.body.dataset.person) return;
  document.addEventListener("focusin", (event) => { if (fits(event.target)) show(event.target); });
  document.addEventListener("keydown", async (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !/^Digit[1-9]$/.test(event.code)) return;
    const field = wanted(event.target);
    if (!field) return;
    event.preventDefault();
    const phrase = of(await all(), field)[Number(event.code.slice(5)) - 1];
    if (phrase) put(field, phrase.text);
  });
}

// The text that is being written; else the first empty one of the form in hand.
function wanted(element) {
  if (fits(element)) return element;
  const form = element.closest?.("form") || document.querySelector("#move form") || document.querySelector("form[data-save]");
  const texts = [...(form?.querySelectorAll("textarea") || [])].filter((one) => fits(one) && seen(one));
  return texts.find((one) => !one.value.trim()) || texts[0];
}

function put(field, text) {
  const said = filled(text, field.form);
  const from = field.selectionStart ?? field.value.length, to = field.selectionEnd ?? from;
  field.focus();
  field.setRangeText(said, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function filled(text, form) {
  const choice = form?.elements.minor_class?.selectedOptions?.[0];
  const facts = {
    class: choice?.value ? choice.textContent.trim().replace(/^[\d-]+\s*/, "") : form?.dataset.className || "",
    place: form?.elements.place?.value.trim() || form?.elements.address?.value.trim() || form?.dataset.placeName || "",
  };
  return text.replace(/\{(class|place)\}/g, (all, name) => facts[name]);
}

async function show(field) {
  if (field.dataset.phrased) return;
  field.dataset.phrased = "1";
  const list = of(await all(), field);
  if (!list.length) return;
  const row = Object.assign(document.createElement("div"), { className: "phrases" });
  list.forEach((one, place) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "phrase", title: one.text, tabIndex: -1 });
    button.append(Object.assign(document.createElement("kbd"), { textContent: `Alt+${place + 1}` }), ` ${one.text.replace(/\{(class|place)\}/g, "…")}`);
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the text keeps the focus
    button.addEventListener("click", () => put(field, one.text));
    row.append(button);
  });
  row.append(Object.assign(document.createElement("a"), { href: "/phrases/", textContent: words.own, className: "phrase-own", target: "_blank", rel: "noopener", tabIndex: -1 }));
  field.after(row);
}
