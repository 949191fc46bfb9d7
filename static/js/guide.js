// The guide of one's role opens beside the work, and closes again. Without a script it is a page of its own.
// At the first visit to the desk of a role it opens by itself, once: [data-guide-due] is where to say that it did.
const english = document.documentElement.lang.startsWith("en");
const words = english ? { close: "Close", print: "Print" } : { close: "关闭", print: "打印" };

export function guide() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-guide]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  const due = document.querySelector("a[data-guide-due]");
  // Never over something that is being written, nor on a phone.
  if (due && matchMedia("(min-width: 1000px)").matches && !document.querySelector("dialog[open], #move form")) first(due);
}

async function first(link) {
  const text = await part(`${link.href}?part=yes&first=yes`);
  if (!text || document.querySelector("dialog[open], #move form")) return;
  show(text, link.textContent);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  fetch(link.dataset.guideDue, { method: "POST", headers }).catch(() => {}); // unsaid, it opens once more
}

async function open(link) {
  const text = await part(`${link.href}?part=yes`);
  if (text) show(text, link.textContent);
  else window.location = link.href;
}

async function part(address) {
  const answer = await fetch(address, { headers: { "X-Quiet": "1" } }).catch(() => null);
  return answer?.ok ? answer.text() : "";
}

function show(text, name) {
  document.querySelector("dialog.guide")?.close();
  const box = document.createElement("dialog");
  box.className = "key-card guide";
  box.setAttribute("aria-label", name);
  box.innerHTML = text; // our own page, escaped by its template
  const row = Object.assign(document.createElement("p"), { className: "form-actions" });
  const close = Object.assign(document.createElement("button"), { className: "button main", textContent: words.close });
  const print = Object.assign(document.createElement("button"), { className: "button", textContent: words.print });
  close.autofocus = true; // not the first link inside, which lies far down
  close.addEventListener("click", () => box.close());
  print.addEventListener("click", () => window.print());
  box.addEventListener("close", () => box.remove());
  row.append(close, print);
  box.append(row);
  document.body.append(box);
  box.showModal();
  box.scrollTop = 0;
}
