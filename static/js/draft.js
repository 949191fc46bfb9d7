// What is typed is kept in this browser until it was sent and taken: after a crash, a lock or a lost line it is there again.
//   form[data-draft=key]  is kept, under the person who is logged in; what stands in [data-no-draft] never is
//   [data-keep-draft]     on a page that did not take what was sent
const KEPT_MS = 7 * 24 * 3600 * 1000;
const KINDS = new Set(["textarea", "text", "number", "date", "datetime-local", "time", "tel", "select-one", "radio", "checkbox"]);
const english = document.documentElement.lang.startsWith("en");
const words = english ? { back: "What you had typed is here again.", drop: "Drop it" } : { back: "已恢复您上次填写但未提交的内容。", drop: "不用了" };
const mine = `draft:${document.body.dataset.person || ""}:`;
const nameOf = (form) => mine + form.dataset.draft;

const fields = (form) => [...form.elements].filter((one) =>
  one.name && KINDS.has(one.type) && (one.autocomplete !== "off" || one.getAttribute("role") === "combobox") && !one.closest("[data-no-draft]"));
const ticks = (one) => one.type === "radio" || one.type === "checkbox";
const nameIn = (one) => (ticks(one) ? `${one.name}=${one.value}` : one.name);
const valueOf = (one) => (ticks(one) ? one.checked : one.value);

export function drafts(root) {
  for (const form of root.querySelectorAll("form[data-draft]")) {
    if (form.dataset.drafting) continue;
    form.dataset.drafting = "1";
    // A form that came back with what is wrong in it holds what was typed already.
    if (!form.querySelector(".errorlist, .notice-bad")) bring(form, read(nameOf(form)));
  }
}

// Heard at the document, so that nothing typed into a form that has just arrived is missed.
const heard = (event, then) => { const form = event.target.closest?.("form[data-draft]"); if (form) then(form); };
for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => heard(event, keep));
document.addEventListener("submit", (event) => heard(event, (form) => sessionStorage.setItem("sent", nameOf(form))));

function keep(form) {
  const values = Object.fromEntries(fields(form).map((one) => [nameIn(one), valueOf(one)]));
  try {
    localStorage.setItem(nameOf(form), JSON.stringify({ at: Date.now(), values }));
  } catch { /* the storage is full: the page itself still holds the text */ }
}

function read(name) {
  try {
    const one = JSON.parse(localStorage.getItem(name));
    return one && Date.now() - one.at < KEPT_MS ? one.values : null;
  } catch { return null; }
}

function bring(form, values) {
  if (!values) return;
  let brought = false;
  for (const one of fields(form)) {
    const value = values[nameIn(one)];
    if (value === undefined || value === valueOf(one)) continue;
    if (ticks(one)) one.checked = value; else one.value = value;
    brought = true;
  }
  if (!brought) return;
  for (const one of fields(form)) if (one.type === "select-one") one.dispatchEvent(new Event("change", { bubbles: true }));
  const note = Object.assign(document.createElement("p"), { className: "hint draft-note", textContent: `${words.back} ` });
  const drop = Object.assign(document.createElement("button"), { type: "button", className: "button quiet button-small", textContent: words.drop });
  drop.addEventListener("click", () => { localStorage.removeItem(nameOf(form)); form.reset(); note.remove(); });
  note.append(drop);
  form.prepend(note);
}

// A page that came after sending, and neither refuses nor asks for a password, took it.
const sent = sessionStorage.getItem("sent");
if (sent && !document.querySelector("[data-keep-draft], input[type=password]")) {
  const form = [...document.querySelectorAll("form[data-draft]")].find((one) => nameOf(one) === sent);
  if (!form?.querySelector(".errorlist, .notice-bad")) localStorage.removeItem(sent);
  sessionStorage.removeItem("sent");
}

// Whoever logs out leaves nothing at this seat.
document.addEventListener("submit", (event) => {
  if (!new URL(event.target.action, location).pathname.endsWith("/logout/")) return;
  for (const name of Object.keys(localStorage)) if (name.startsWith(mine)) localStorage.removeItem(name);
});
