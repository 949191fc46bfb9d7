// One line for all pages that a person has open in this browser: a server allows a browser only six at a time.
import { isLater, stream } from "./live_stream.js";

const KEPT = 500; // pieces of news, for a page that comes later than they
const pages = new Set();
let state, kept = [], from;

function tell(message) {
  if (message.what === "state") state = message;
  if (message.what === "news") {
    kept.push(message);
    if (kept.length > KEPT) { kept = kept.slice(KEPT / 2); from = kept[0].id; }
  }
  for (const page of pages) page.postMessage(message);
}

function welcome(page, { ticketAt, streamAt, since }) {
  pages.add(page);
  page.postMessage({ what: "here" });
  if (from === undefined) { from = since; stream({ ticketAt, streamAt, since, tell }); return; }
  if (state) page.postMessage(state);
  if (isLater(from, since)) page.postMessage({ what: "reset" });
  else for (const one of kept) if (isLater(one.id, since)) page.postMessage(one);
}

addEventListener("connect", ({ ports: [page] }) => {
  page.addEventListener("message", ({ data }) => { if (data.bye) pages.delete(page); else welcome(page, data); });
  page.start();
});
