// The map: our own areas, roads and cells, drawn without any outside service. Leaflet is loaded only where a map stands.
const styles = {
  areas: { color: "#6b7f92", weight: 1.2, fill: false, dashArray: "4 3" },
  roads: { color: "#ffffff", weight: 5, opacity: 1 },
  cells: { color: "#1557b0", weight: 0.8, opacity: 0.45, fillOpacity: 0.02 },
  duty_grids: { color: "#6a3d9a", weight: 2.5, opacity: 0.7, fill: false },
  components: { color: "#0b5d4d", weight: 1.5, fillColor: "#3cb79a", fillOpacity: 0.9 },
};
const meant = { color: "#b85500", fillColor: "#b85500", weight: 3, opacity: 1, fillOpacity: 0.08, dashArray: null };
const from = { areas: 9, roads: 13, duty_grids: 11, cells: 16, components: 17 };
const roadWidth = (zoom) => Math.min(6, Math.max(1, (zoom - 12) * 1.2));
let leaflet;

function load() {
  leaflet ||= new Promise((done, fail) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: base() + "leaflet/leaflet.css" });
    const script = Object.assign(document.createElement("script"), { src: base() + "leaflet/leaflet.js", onload: () => done(window.L), onerror: fail });
    document.head.append(link, script);
  });
  return leaflet;
}
const base = () => new URL(import.meta.url).pathname.replace(/js\/map[^/]*$/, "");

export function maps(root) {
  for (const box of root.querySelectorAll("[data-map]")) if (!box.dataset.drawn) { box.dataset.drawn = "1"; load().then((L) => draw(L, box)); }
}

function draw(L, box) {
  const known = box.dataset.lon ? [Number(box.dataset.lat), Number(box.dataset.lon)] : null;
  const map = L.map(box, { zoomControl: true, attributionControl: false, preferCanvas: true, maxZoom: 20, minZoom: 9 });
  L.control.scale({ imperial: false }).addTo(map);
  const icon = L.divIcon({ className: "", html: '<svg width="26" height="26" viewBox="0 0 26 26"><circle cx="13" cy="13" r="12" fill="#b8550033"/><circle cx="13" cy="13" r="6.5" fill="#b85500" stroke="#fff" stroke-width="2"/></svg>', iconSize: [26, 26], iconAnchor: [13, 13] });
  const isMeant = ({ properties }) => box.dataset.meant && [properties.code, properties.name].includes(box.dataset.meant);
  const credits = {};
  let pin = null;
  const put = (at) => { pin ? pin.setLatLng(at) : pin = L.marker(at, { icon, keyboard: false, alt: box.dataset.label || "" }).addTo(map); };
  const frame = box.dataset.box?.split(",").map(Number);
  if (frame) map.fitBounds([[frame[1], frame[0]], [frame[3], frame[2]]]);
  if (known) { put(known); map.setView(known, 17); }
  const groups = (box.dataset.layers || "").split(" ").filter(Boolean).map((url) => {
    const name = url.match(/(\w+)\.geojson/)?.[1] || "areas";
    return { url, name, layer: L.geoJSON(null, { style: (feature) => ({ ...(styles[name] || styles.areas), ...(name === "roads" ? { weight: roadWidth(map.getZoom()) } : {}), ...(isMeant(feature) ? { ...meant, fill: name !== "roads" } : {}) }), pointToLayer: (feature, at) => L.circleMarker(at, { radius: 4 }), onEachFeature: (feature, layer) => { const label = feature.properties.name || feature.properties.code; if (label && name !== "areas") layer.bindTooltip(label, { sticky: true }); } }).addTo(map), from: from[name] || 9 };
  });
  const fill = () => groups.forEach(async (group) => {
    if (map.getZoom() < group.from) { group.layer.clearLayers(); return; }
    const b = map.getBounds().pad(0.2), bbox = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((n) => n.toFixed(6)).join(",");
    if (group.asked === bbox) return;
    group.asked = bbox;
    const answer = await fetch(`${group.url}?bbox=${bbox}`, { headers: { "X-Quiet": "1" } }).catch(() => null);
    if (!answer?.ok) return;
    const data = await answer.json();
    if (group.asked !== bbox) return;
    group.layer.clearLayers();
    group.layer.addData(data);
    for (const { layer } of groups) layer.eachLayer((one) => { if (isMeant(one.feature)) one.bringToFront(); });
    credits[group.name] = data.attribution;
    const note = box.parentElement.querySelector("[data-map-note]");
    if (note) note.textContent = [...new Set(Object.values(credits).filter(Boolean))].join(" · ");
  });
  map.on("moveend", fill);
  if (!known && !frame) start(L, map, groups[0]?.url).then(fill); else fill();
  if (box.dataset.pick) pick(map, box.dataset.pick.split(","), put);
  setTimeout(() => map.invalidateSize(), 60);
}

async function start(L, map, url) {
  map.setView([31, 117], 11);
  const answer = url && await fetch(`${url}?bbox=-180,-90,180,90`).catch(() => null);
  const data = answer?.ok ? await answer.json() : null;
  if (data?.features?.length) map.fitBounds(L.geoJSON(data.features.filter((f) => f.geometry).slice(0, 1)).getBounds());
}

// Choosing a place: a tap puts the pin and fills the two inputs.
function pick(map, [lonId, latId], put) {
  const lon = document.getElementById(lonId), lat = document.getElementById(latId);
  const read = () => { if (lon?.value && lat?.value) { const at = [Number(lat.value), Number(lon.value)]; put(at); map.setView(at, Math.max(map.getZoom(), 17)); } };
  map.on("click", (event) => {
    lon.value = event.latlng.lng.toFixed(6); lat.value = event.latlng.lat.toFixed(6);
    put(event.latlng);
    for (const input of [lon, lat]) input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  for (const input of [lon, lat]) input?.addEventListener("change", read);
  read();
}
