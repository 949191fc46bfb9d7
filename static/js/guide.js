// The guide of one's role opens beside the work, and closes again. Without a script it is a page of its own.
const english = document.documentElement.lang.startsWith("en");
const words = english ? { close: "Close", print: "Print" } : { close: "关闭", print: "打印" };

export function guide() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-guide]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const answer = await fetch(`${link.href}?part=yes`, { headers: { "X-Quiet": "1" } }).catch(() => null);
    if (!answer?.ok) { window.location = link.href; return; }
    show(await answer.text(), link.textContent);
  });
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
  close.addEventListener("click", () => box.close());
  print.addEventListener("click", () => window.print());
  box.addEventListener("close", () => box.remove());
  row.append(close, print);
  box.append(row);
  document.body.append(box);
  box.showModal();
}
