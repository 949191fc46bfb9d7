// The button of a page to print.
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
