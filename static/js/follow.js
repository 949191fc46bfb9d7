// A map that follows what is opened, with what is near below it: in the desk's own pane, or in a window beside it.
//   [data-follower]   a window of its own: it hears of the desks of this browser what they open
const said = new BroadcastChannel("desk-map");
const quiet = { "X-Quiet": "1" };

// `facts` are those that a shown case has about itself: lon, lat, lamp, meant, number, near.
export function follow(root, facts) {
  const box = root.querySelector("[data-map]"), place = root.querySelector("#near");
  const { lon, lat, lamp, meant, number, near } = facts;
  Object.assign(box.dataset, { lon, lat, lamp, meant, label: number });
  box.dispatchEvent(new CustomEvent("map:show"));
  htmx.ajax("GET", near, { source: place, target: place, swap: "innerHTML", headers: quiet });
}

export const tellFollowers = (facts) => said.postMessage({ what: "show", facts: { ...facts } });

// The desk gives the room of its map to the case for as long as a window follows it.
export function watchFollowers(changed, now) {
  said.addEventListener("message", ({ data }) => {
    if (data.what === "here") { changed(true); const facts = now(); if (facts) tellFollowers(facts); }
    if (data.what === "gone") changed(false);
  });
  said.postMessage({ what: "who" });
}

const window_ = document.querySelector("[data-follower]");
if (window_) {
  const here = () => said.postMessage({ what: "here" });
  said.addEventListener("message", ({ data }) => {
    if (data.what === "who") here();
    if (data.what === "show") { document.getElementById("follows").textContent = data.facts.number; follow(window_, data.facts); }
  });
  addEventListener("pagehide", () => said.postMessage({ what: "gone" }));
  here();
}
