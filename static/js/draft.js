// What is typed is kept in this browser until it was sent and taken: after a crash, a lock or a lost line it is there again.
const prefix = "draft:", keep = 7 * 24 * 3600 * 1000;
const fields = (form) => [...form.elements].filter((e) => e.name && !e.name.startsWith("csrf") && ["textarea", "text", "search", "number", "date", "datetime-local", "tel", "select-one"].includes(e.type) && e.autocomplete !== "off");

export function drafts(root) {
  for (const form of root.querySelectorAll("form[data-draft]")) {
    if (form.dataset.drafting) continue;
    form.dataset.drafting = "1";
    const key = prefix + form.dataset.draft;
    const saved = read(key);
    if (saved) for (const field of fields(form)) if (!field.value && saved.values[field.name]) field.value = saved.values[field.name];
    form.addEventListener("input", () => write(key, Object.fromEntries(fields(form).map((f) => [f.name, f.value]))));
    form.addEventListener("submit", () => sessionStorage.setItem("sent", key));
    form.addEventListener("htmx:beforeRequest", () => sessionStorage.setItem("sent", key));
  }
}

function read(key) { try { const one = JSON.parse(localStorage.getItem(key)); return one && Date.now() - one.at < keep ? one : null; } catch { return null; } }
function write(key, values) { try { localStorage.setItem(key, JSON.stringify({ at: Date.now(), values })); } catch { /* storage full: the page itself still holds the text */ } }

// A page that says "done" took what was sent last.
const sent = sessionStorage.getItem("sent");
if (sent && document.querySelector("[role=status].notice-good")) { localStorage.removeItem(sent); sessionStorage.removeItem("sent"); }
