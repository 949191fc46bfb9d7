// A press is never lost. A case is drawn anew while somebody's finger is on one of its buttons, or while the form of the
// button is still on its way: then the very same button of the new drawing is pressed for him. Buttons and forms that have
// just come belong to htmx from the first moment, so that nobody leaves a desk by being quick.
//   #case [data-verb]   the buttons of moves; the address of one is its name
const PANE = "#case", VERB = `${PANE} a[data-verb]`, NEAR_PX = 10;
const same = (address) => [...document.querySelectorAll(VERB)].find((one) => one.href === address);

let down = null, carried = null;

function pressed(event) {
  const button = event.button === 0 && event.target.closest?.(VERB);
  down = button ? { button, address: button.href, x: event.clientX, y: event.clientY } : null;
}

// The browser makes no click of a press whose button went away between down and up.
function released(event) {
  const was = down;
  down = null;
  if (!was || event.button !== 0 || Math.hypot(event.clientX - was.x, event.clientY - was.y) > NEAR_PX) return;
  if (!was.button.isConnected || !was.button.contains(event.target)) same(was.address)?.click();
}

export function hands() {
  addEventListener("pointerdown", pressed, true);
  addEventListener("pointerup", released, true);
  addEventListener("pointercancel", () => { down = null; }, true);
  document.addEventListener("click", ({ target }) => { const one = target.closest?.(`${VERB}[hx-get]`); if (one) window.htmx?.process(one); }, true);
  document.addEventListener("submit", ({ target }) => { if (target.matches(`${PANE} form[hx-post]`)) window.htmx?.process(target); }, true);
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.matches(PANE)) carried = detail.shouldSwap ? detail.target.querySelector("[data-verb].htmx-request")?.href : null;
  });
  document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (!carried || !detail.target.matches(PANE)) return;
    const button = same(carried);
    carried = null;
    button?.click();
  });
}
