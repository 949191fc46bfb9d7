// The line on which news come (citymgmt/live.py): a ticket, an EventSource, the last id heard, and coming back.
// Knows no page: it runs in the worker that all pages of a person share, or in the page where there is no such worker.
//   tell({ what: "state", on })            whether news arrive; where not, a page asks by itself
//   tell({ what: "news", id, name, data }) one piece of news: case, presence, box
//   tell({ what: "reset" })                something was missed: ask for everything
const DEAD_MS = 45_000; // the server says something every 15 s
const TICKET_MS = 200_000; // a ticket is good for five minutes
const between = (low, high) => low + Math.random() * (high - low);
const NEWS = ["case", "presence", "box"];

export function stream({ ticketAt, streamAt, since, tell }) {
  let source, lastId = since, tries = 0, ticket, ticketMadeAt = 0, heardAt = 0, isOpen = false, feeds = true, said, waiting;

  const say = () => { const on = isOpen && feeds; if (on !== said) { said = on; tell({ what: "state", on }); } };

  async function connect() {
    try {
      if (!ticket || Date.now() - ticketMadeAt > TICKET_MS) { ticket = await newTicket(); ticketMadeAt = Date.now(); }
    } catch { return lost(); }
    const mine = source = new EventSource(`${streamAt}?ticket=${encodeURIComponent(ticket)}${lastId ? `&after=${lastId}` : ""}`);
    const on = (name, then) => mine.addEventListener(name, (event) => { if (mine === source) { heardAt = Date.now(); then(event); } });
    on("open", () => { tries = 0; isOpen = feeds = true; say(); });
    on("error", lost);
    on("beat", () => {});
    on("reset", () => tell({ what: "reset" }));
    on("down", () => { feeds = false; say(); });
    // What was published while Redis was away is in no stream.
    on("up", () => { feeds = true; say(); tell({ what: "reset" }); });
    on("renew", () => { ticket = null; away(between(100, 2000)); });
    for (const name of NEWS) on(name, (event) => {
      lastId = event.lastEventId || lastId;
      tell({ what: "news", id: lastId, name, data: JSON.parse(event.data) });
    });
  }

  async function newTicket() {
    const answer = await fetch(ticketAt, { headers: { Accept: "application/json", "X-Quiet": "1" }, cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error("no ticket");
    return (await answer.json()).ticket;
  }

  function away(milliseconds) {
    source?.close();
    source = null;
    clearTimeout(waiting);
    waiting = setTimeout(connect, milliseconds);
  }

  // A line that is cut once is taken up again at once; only when that fails too does anybody hear of it.
  function lost() {
    tries += 1;
    if (tries > 1) { isOpen = false; say(); }
    away(tries === 1 ? between(200, 1200) : between(3000, 6000));
  }

  setInterval(() => { if (source && isOpen && Date.now() - heardAt > DEAD_MS) lost(); }, 5000);
  connect();
}

// Whether a piece of news is later than another: ids are milliseconds and a number.
export function isLater(id, than) {
  const [a, b = 0] = id.split("-").map(Number), [c, d = 0] = than.split("-").map(Number);
  return a > c || (a === c && b > d);
}
