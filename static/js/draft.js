// What is typed is kept in this browser until it was sent and taken: after a crash, a lock or a lost line it is there again.
// Twice: in the local storage, which is there at once, and in the browser's database, which is on the disk within a moment:
// the local storage is written out only now and then, and a browser that is killed loses the last minute of it.
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
    if (form.querySelector(".errorlist, .notice-bad")) continue;
    const known = read(nameOf(form));
    bring(form, known?.values);
    // What the database knows better, unless somebody types already.
    saved(nameOf(form)).then((one) => {
      const isNewer = one && Date.now() - one.at < KEPT_MS && one.at > (known?.at || 0);
      if (isNewer && form.isConnected && !form.dataset.typed) bring(form, one.values);
    });
  }
}

// Heard at the document, so that nothing typed into a form that has just arrived is missed.
const heard = (event, then) => { const form = event.target.closest?.("form[data-draft]"); if (form) then(form); };
for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => heard(event, keep));
document.addEventListener("submit", (event) => heard(event, (form) => sessionStorage.setItem("sent", nameOf(form))));

function keep(form) {
  form.dataset.typed = "1";
  const values = Object.fromEntries(fields(form).map((one) => [nameIn(one), valueOf(one)])), one = { at: Date.now(), values };
  save(nameOf(form), one);
  try {
    localStorage.setItem(nameOf(form), JSON.stringify(one));
  } catch { /* the storage is full: the database and the page itself still hold the text */ }
}

function forget(name) {
  localStorage.removeItem(name);
  save(name, null);
}

// — the browser's database ———————————————————————————————————————————————————————————————————————————

const database = new Promise((open) => {
  try {
    const asked = indexedDB.open("drafts", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("drafts");
    asked.onsuccess = () => open(asked.result);
    asked.onerror = () => open(null);
  } catch { open(null); } // private windows of some browsers have none
});
const waiting = new Map();

// Writes the latest of what was typed within a moment; null takes it away.
function save(name, one) {
  clearTimeout(waiting.get(name));
  const write = async () => {
    const drafts = (await database)?.transaction("drafts", "readwrite", { durability: "strict" }).objectStore("drafts");
    if (one) drafts?.put(one, name); else drafts?.delete(name);
  };
  if (one) waiting.set(name, setTimeout(write, 300)); else write();
}

async function saved(name) {
  const drafts = (await database)?.transaction("drafts").objectStore("drafts");
  return drafts && new Promise((found) => { const asked = drafts.get(name); asked.onsuccess = () => found(asked.result); asked.onerror = () => found(null); });
}

function read(name) {
  try {
    const one = JSON.parse(localStorage.getItem(name));
    return one && Date.now() - one.at < KEPT_MS ? one : null;
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
  drop.addEventListener("click", () => { forget(nameOf(form)); form.reset(); note.remove(); });
  note.append(drop);
  form.querySelector(":scope > .draft-note")?.remove();
  form.prepend(note);
}

// A page that came after sending, and neither refuses nor asks for a password, took it.
const sent = sessionStorage.getItem("sent");
if (sent && !document.querySelector("[data-keep-draft], input[type=password]")) {
  const form = [...document.querySelectorAll("form[data-draft]")].find((one) => nameOf(one) === sent);
  if (!form?.querySelector(".errorlist, .notice-bad")) forget(sent);
  sessionStorage.removeItem("sent");
}

// Whoever logs out leaves nothing at this seat.
document.addEventListener("submit", (event) => {
  if (!new URL(event.target.action, location).pathname.endsWith("/logout/")) return;
  for (const name of Object.keys(localStorage)) if (name.startsWith(mine)) forget(name);
  save(IDBKeyRange.bound(mine, `${mine}\uffff`), null);
});

// A desk takes what its pane sends without leaving the page: then there is nothing more to keep.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.closest?.("form[data-draft]");
  if (form && detail.xhr.status === 204) { forget(nameOf(form)); sessionStorage.removeItem("sent"); }
});
