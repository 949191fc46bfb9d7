// What a phone knows by itself: where it is, how exactly, and its own time. Nothing is sent before the form is.
const byId = (id) => document.getElementById(id);
const english = document.documentElement.lang.startsWith("en");
const words = english
  ? { looking: "Looking for the position …", found: (m) => `Position found, accurate to ${m} m`, refused: "The position is not allowed. Allow it in the browser, or show the place on the map.", failed: "No position found. Go into the open, or show the place on the map.", without: "The position is not known; it is sent without." }
  : { looking: "正在定位……", found: (m) => `已定位，精度约 ${m} 米`, refused: "未获定位许可。请在浏览器中允许定位，或在地图上点选。", failed: "未能定位。请到开阔处再试，或在地图上点选。", without: "未取得定位，将不带位置发送。" };

function ask(say, done, { quiet = false } = {}) {
  if (!navigator.geolocation) { if (!quiet) say(words.failed); return; }
  say(words.looking);
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => { say(words.found(Math.round(coords.accuracy))); done(coords); },
    (problem) => say(problem.code === problem.PERMISSION_DENIED ? words.refused : words.failed),
    { enableHighAccuracy: true, timeout: 20000, maximumAge: 15000 },
  );
}

// A button that says "I am here": fills longitude, latitude and accuracy of the place.
for (const button of document.querySelectorAll("[data-locate]")) {
  const [lon, lat, accuracy] = button.dataset.locate.split(",").map(byId);
  const note = button.parentElement.querySelector("[data-located]");
  let ours = false;
  const locate = (options) => ask((text) => { note.textContent = text; }, (coords) => {
    lon.value = coords.longitude.toFixed(6);
    lat.value = coords.latitude.toFixed(6);
    if (accuracy) accuracy.value = coords.accuracy.toFixed(1);
    ours = true;
    for (const input of [lon, lat]) input.dispatchEvent(new Event("change", { bubbles: true }));
    ours = false;
  }, options);
  // A place shown by hand is as exact as the hand.
  for (const input of [lon, lat]) input.addEventListener("change", () => { if (!ours && accuracy) { accuracy.value = ""; note.textContent = ""; } });
  button.addEventListener("click", () => locate());
  button.hidden = false;
  if ("locateAtOnce" in button.dataset && !lon.value) locate({ quiet: true });
}

// A form in the street: where the phone is while it is filled in, and when it is sent.
for (const form of document.querySelectorAll("form[data-phone]")) {
  const field = (name) => form.elements[name];
  const note = form.querySelector("[data-position]");
  const keep = ({ longitude, latitude, accuracy }) => {
    field("pos_lon").value = longitude.toFixed(6);
    field("pos_lat").value = latitude.toFixed(6);
    field("pos_accuracy_m").value = accuracy.toFixed(1);
  };
  const say = (text) => { if (note) note.textContent = [words.refused, words.failed].includes(text) ? words.without : text; };
  ask(say, keep);
  navigator.geolocation?.watchPosition(({ coords }) => { keep(coords); say(words.found(Math.round(coords.accuracy))); }, () => {}, { enableHighAccuracy: true, maximumAge: 15000 });
  form.addEventListener("submit", () => { field("claimed").value = new Date().toISOString(); });
}
