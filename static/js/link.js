// A crew's phone: each picture goes up by itself as soon as it is taken, again and again until it has arrived, and is
// still there after the page was closed. The form then carries their marks only.
const form = document.querySelector("form[data-link]");
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { take: "Take a picture", more: "+ One more picture", wait: "waiting for the network", going: "on its way", there: "✓", off: "Leave this picture out", left: (n) => `${n} still on the way: stay on this page.`, refused: "refused" }
  : { take: "拍照", more: "+ 再拍一张", wait: "等待网络", going: "正在上传", there: "✓", off: "不要这张", left: (n) => `还有 ${n} 张正在上传，请勿离开本页。`, refused: "未被接受" };
const KEY = `link:${form.dataset.link}`, KEPT_MS = 40 * 3600 * 1000, LONGEST_WAIT = 30000;

const input = form.querySelector("input[type=file]");
const state = form.querySelector("[data-upload-state]");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const taken = []; // { number, file, mark, thumb, item, tries }
let sending = false;

// The file input becomes one large button; without this script it is a plain one, and the form carries the files.
const camera = Object.assign(document.createElement("label"), { className: "camera" });
const label = document.createElement("span");
label.textContent = words.take;
const list = Object.assign(document.createElement("ul"), { className: "taken" });
input.before(camera);
camera.append(label, input);
camera.after(list);
camera.nextElementSibling.nextElementSibling?.matches?.(".upload-preview") && camera.nextElementSibling.nextElementSibling.remove();
input.dataset.watched = "1";
const field = input.name;
input.removeAttribute("name"); // files go up one by one
input.removeAttribute("multiple");
for (const old of form.querySelectorAll(".kept-file")) add({ mark: old.querySelector("input").value, thumb: old.querySelector("img")?.src });
form.querySelector(".kept-files")?.remove();
if (!taken.length) for (const one of remembered()) add(one);

input.addEventListener("change", () => {
  for (const file of input.files) add({ file, number: crypto.randomUUID?.() || uuid() });
  input.value = "";
  send();
});
addEventListener("online", send);

form.addEventListener("submit", (event) => {
  if (taken.some((one) => !one.mark)) { event.preventDefault(); sending = true; say(); return; }
  localStorage.removeItem(KEY);
});

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64; bytes[8] = (bytes[8] & 63) | 128;
  return [...bytes].map((one, place) => ([4, 6, 8, 10].includes(place) ? "-" : "") + one.toString(16).padStart(2, "0")).join("");
}

function add(one) {
  one.item = document.createElement("li");
  const image = Object.assign(document.createElement("img"), { alt: "", src: one.file ? URL.createObjectURL(one.file) : one.thumb });
  one.note = document.createElement("span");
  const off = Object.assign(document.createElement("button"), { type: "button", textContent: "✕" });
  off.setAttribute("aria-label", words.off);
  off.addEventListener("click", () => { taken.splice(taken.indexOf(one), 1); one.item.remove(); remember(); say(); });
  one.item.append(image, one.note, off);
  list.append(one.item);
  taken.push(one);
  say();
}

async function send() {
  for (const one of taken.filter((it) => !it.mark && !it.busy && !it.refused)) {
    one.busy = true;
    say();
    const body = new FormData();
    body.append("file", one.file);
    body.append("number", one.number);
    const answer = await fetch(form.dataset.pictures, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "application/json" } }).catch(() => null);
    one.busy = false;
    if (answer?.ok) {
      Object.assign(one, await answer.json());
      remember();
    } else if (answer && answer.status < 500 && answer.status !== 429) {
      const told = await answer.json().catch(() => ({}));
      one.refused = told.detail || words.refused;
    } else {
      one.tries = (one.tries || 0) + 1;
      setTimeout(send, Math.min(LONGEST_WAIT, 1000 * 2 ** one.tries));
    }
    say();
  }
}

function say() {
  for (const one of taken) one.note.textContent = one.mark ? words.there : one.refused ? words.refused : one.busy ? words.going : words.wait;
  label.textContent = taken.length ? words.more : words.take;
  const left = taken.filter((one) => !one.mark && !one.refused).length;
  const refused = taken.find((one) => one.refused);
  state.textContent = refused ? `▲ ${refused.refused}` : left ? words.left(left) : "";
  for (const old of form.querySelectorAll(`input[name="${field}_kept"]`)) old.remove();
  for (const one of taken) if (one.mark) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: `${field}_kept`, value: one.mark }));
  if (sending && !left && !refused) { sending = false; form.requestSubmit(); }
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify({ at: Date.now(), pictures: taken.filter((one) => one.mark).map(({ mark, thumb }) => ({ mark, thumb })) }));
  } catch { /* the storage is full: the page itself still holds them */ }
}

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept && Date.now() - kept.at < KEPT_MS ? kept.pictures : [];
  } catch { return []; }
}
