// The places that are left for a telephone. Whoever connects one speaks with these pages by events on window:
//   telephone:ringing { number }     somebody rings; the number stands in the bar, F2 answers
//   telephone:answered, telephone:ended      said by these pages (F2, F4) to the telephone, and by the telephone to them
// Without a telephone F2 begins a call by hand and F4 ends it. A number is never put into an address.
const KEPT = "telephone:number";
const english = document.documentElement.lang.startsWith("en");
const words = english ? { rings: "Ringing", since: "On the line", ended: "Call ended" } : { rings: "来电", since: "通话中", ended: "通话已结束" };
let ringing = "";

export function telephone() {
  const answer = document.querySelector("[data-telephone=answer]");
  if (!answer) return;
  addEventListener("telephone:ringing", (event) => {
    ringing = String(event.detail?.number || "");
    answer.querySelector("[data-telephone-says]").textContent = `${words.rings} ${ringing}`;
    answer.classList.add("rings");
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-telephone=answer]")) begin(event);
    if (event.target.closest("[data-telephone=end]")) end();
  });
  addEventListener("telephone:ended", end);
  const form = document.querySelector("form[data-call]");
  if (form) { read(form); guard(form); }
}

// Name, number and the caller's words are kept by no draft: whoever leaves in the middle of a call is asked first.
function guard(form) {
  let sent = false, typed = false;
  form.addEventListener("submit", () => { sent = true; });
  form.addEventListener("input", (event) => { typed ||= Boolean(event.target.closest("[data-no-draft]")); });
  addEventListener("beforeunload", (event) => { if (typed && !sent) event.preventDefault(); });
}

// Answered elsewhere, a new call is opened; the number waits in this tab's memory, for one page.
function begin(event) {
  if (ringing) sessionStorage.setItem(KEPT, ringing);
  dispatchEvent(new CustomEvent("telephone:answered", { detail: { number: ringing } }));
  const form = document.querySelector("form[data-call]");
  if (!form) { sessionStorage.setItem(`${KEPT}:since`, String(Date.now())); return; } // the link goes there
  event.preventDefault();
  sessionStorage.setItem(`${KEPT}:since`, String(Date.now()));
  read(form);
}

function read(form) {
  const number = sessionStorage.getItem(KEPT), since = sessionStorage.getItem(`${KEPT}:since`);
  sessionStorage.removeItem(KEPT);
  sessionStorage.removeItem(`${KEPT}:since`);
  if (since) run(form, Number(since));
  if (!number) return;
  ringing = "";
  document.querySelector("[data-telephone=answer]")?.classList.remove("rings");
  form.elements.phone.value = number;
  const tell = () => form.elements.phone.dispatchEvent(new Event("change", { bubbles: true }));
  if (document.readyState === "complete") tell(); else addEventListener("load", () => setTimeout(tell)); // htmx listens by then
  (document.getElementById("id_minor_class_box") || form.elements.minor_class).focus();
}

let tick = 0;

function run(form, since) {
  const place = form.querySelector("[data-telephone-time]");
  if (!place) return;
  clearInterval(tick);
  const say = () => {
    const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
    place.textContent = `${words.since} ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  say();
  tick = setInterval(say, 1000);
}

function end(event) {
  clearInterval(tick);
  const place = document.querySelector("[data-telephone-time]");
  if (place?.textContent) place.textContent = `${words.ended} ${place.textContent.replace(/^\D*/, "")}`;
  if (!(event instanceof CustomEvent)) dispatchEvent(new CustomEvent("telephone:hang-up"));
}
