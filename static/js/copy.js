// A button that copies a text of the page, also one that came later.
function copies(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard || button.dataset.copies) continue;
    button.dataset.copies = "1";
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
      button.parentElement.querySelector("[data-copied]").hidden = false;
    });
  }
}
copies(document);
document.body.addEventListener("htmx:load", () => copies(document));
