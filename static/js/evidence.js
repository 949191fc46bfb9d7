// The pictures of a case, large: one after the other, nearer, turned, before and after over each other. By mouse and by key.
//   [data-shots]      what belongs together        a[data-shot]   a picture in it; data-side before | after, data-said its words
//   [data-compare]    before and after over each other, with a slider between
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { earlier: "Previous picture", later: "Next picture", nearer: "Nearer", farther: "Farther", turn: "Turn", whole: "Whole picture", compare: "Before and after", close: "Close", slide: "Between before and after" }
  : { earlier: "上一张", later: "下一张", nearer: "放大", farther: "缩小", turn: "旋转", whole: "原样", compare: "前后对比", close: "关闭", slide: "在处置前后之间移动" };
const plainClick = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
let dialog;

function make(name, more = {}, ...children) {
  const one = Object.assign(document.createElement(name), more);
  one.append(...children);
  return one;
}

function viewer(shots, at) {
  let place = at, scale = 1, angle = 0, x = 0, y = 0, other = null;
  const picture = make("img", { alt: "", draggable: false }), over = make("img", { alt: "", draggable: false, className: "compare-after", hidden: true });
  const said = make("p", { className: "viewer-said" }), stage = make("div", { className: "viewer-stage" }, picture, over);
  const slide = make("input", { type: "range", min: 0, max: 100, value: 50, hidden: true, ariaLabel: words.slide });
  const draw = () => {
    for (const one of [picture, over]) one.style.transform = `translate(${x}px, ${y}px) scale(${scale}) rotate(${angle}deg)`;
    stage.style.setProperty("--at", `${slide.value}%`);
  };
  const counterpart = () => shots.findLast((one) => one.dataset.side && one.dataset.side !== shots[place].dataset.side);
  const compare = (on) => {
    other = on ? counterpart() : null;
    over.hidden = slide.hidden = !other;
    if (other) {
      const [before, after] = shots[place].dataset.side === "after" ? [other, shots[place]] : [shots[place], other];
      picture.src = before.href;
      over.src = after.href;
    } else picture.src = shots[place].href;
    draw();
  };
  const show = (step) => {
    place = (place + step + shots.length) % shots.length;
    [scale, angle, x, y] = [1, 0, 0, 0];
    said.textContent = `${place + 1}/${shots.length} · ${shots[place].dataset.said}`;
    picture.alt = shots[place].dataset.said;
    compare(Boolean(other));
  };
  const zoom = (by) => { scale = Math.min(8, Math.max(1, scale * by)); if (scale === 1) [x, y] = [0, 0]; draw(); };
  const whole = () => { [scale, angle, x, y] = [1, 0, 0, 0]; draw(); };
  const turn = () => { angle = (angle + 90) % 360; draw(); };
  const acts = new Map([
    ["ArrowLeft", [words.earlier, "←", () => show(-1)]], ["ArrowRight", [words.later, "→", () => show(1)]],
    ["+", [words.nearer, "+", () => zoom(1.4)]], ["-", [words.farther, "−", () => zoom(1 / 1.4)]],
    ["0", [words.whole, "0", whole]], ["r", [words.turn, "R", turn]], ["c", [words.compare, "C", () => compare(!other)]],
  ]);
  const bar = make("div", { className: "viewer-bar" });
  for (const [key, [label, sign, act]] of acts) {
    if ((key.startsWith("Arrow") && shots.length < 2) || (key === "c" && !counterpart())) continue;
    const button = make("button", { type: "button", className: "button", title: label }, label, make("kbd", { textContent: sign }));
    button.addEventListener("click", act);
    bar.append(button);
  }
  const close = make("button", { type: "button", className: "button main" }, words.close, make("kbd", { textContent: "Esc" }));
  close.addEventListener("click", () => dialog.close());
  bar.append(close);
  dialog = make("dialog", { className: "viewer", ariaLabel: words.whole }, stage, slide, said, bar);
  dialog.addEventListener("keydown", (event) => {
    if (event.target === slide && event.key.startsWith("Arrow")) return;
    const [, , act] = acts.get(event.key === "=" ? "+" : event.key.length === 1 ? event.key.toLowerCase() : event.key) || [];
    if (act && !event.ctrlKey && !event.metaKey) { event.preventDefault(); act(); }
  });
  slide.addEventListener("input", draw);
  stage.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2); }, { passive: false });
  stage.addEventListener("pointerdown", (down) => {
    if (scale === 1) return;
    stage.setPointerCapture(down.pointerId);
    const from = [down.clientX - x, down.clientY - y];
    const drag = (event) => { [x, y] = [event.clientX - from[0], event.clientY - from[1]]; draw(); };
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("pointerup", () => stage.removeEventListener("pointermove", drag), { once: true });
  });
  dialog.addEventListener("close", () => { dialog.remove(); shots[place].focus(); });
  document.body.append(dialog);
  dialog.showModal();
  show(0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-shot]"), together = link?.closest("[data-shots]");
  if (!together || !plainClick(event)) return;
  event.preventDefault();
  const shots = [...together.querySelectorAll("a[data-shot]")];
  viewer(shots, shots.indexOf(link));
});

document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-compare]");
  if (box) box.style.setProperty("--at", `${event.target.value}%`);
});
