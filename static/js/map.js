// The map: our own areas, roads and cells, drawn without any outside service. Leaflet is loaded only where a map stands.
//   data-layers    addresses of GeoJSON layers, asked for the box that is seen
//   data-lon, -lat what the page is about (data-lamp colours the pin); or data-box "w,s,e,n"; data-meant: code or name to stress
//                  where the page shows another thing without being loaded anew, it changes these and sends map:show to the box
//   data-pick      "lonId,latId": a tap, or Enter in the middle of the map, chooses a place
//   [data-mark]    elsewhere on the page: "lon,lat", with data-mark-lamp and a link, becomes a small mark

// From which zoom a layer is drawn, and how. What is first lies lowest.
const LAYERS = {
  areas: { from: 9, style: { color: "#6b7f92", weight: 1.2, fill: false, dashArray: "4 3" } },
  roads: { from: 13, style: { color: "#ffffff", opacity: 1 } },
  cells: { from: 16, style: { color: "#1557b0", weight: 0.8, opacity: 0.3, fillOpacity: 0.02 } },
  duty_grids: { from: 11, style: { color: "#6a3d9a", weight: 2.5, opacity: 0.7, fill: false } },
  components: { from: 17, style: { color: "#0b5d4d", weight: 1.5, fillColor: "#3cb79a", fillOpacity: 0.9 } },
};
const MEANT = { color: "#1557b0", fillColor: "#1557b0", weight: 2.5, opacity: 1, fillOpacity: 0.1, dashArray: null };
const ROAD_NAMES_FROM = 16;
const LAMPS = { green: "#17713f", yellow: "#b86e00", red: "#c22f2f", paused: "#6b7785", none: "#1557b0" };
const roadWidth = (zoom) => Math.min(9, Math.max(1, (zoom - 12) * 1.5));
const inBox = (bounds) => [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((n) => n.toFixed(6)).join(",");
const quiet = { headers: { "X-Quiet": "1" } };
// A tooltip would read a string as HTML.
const plain = (text) => document.createTextNode(text);

const base = () => new URL(import.meta.url).pathname.replace(/js\/map[^/]*$/, "");
let leaflet;

function load() {
  leaflet ||= new Promise((done, fail) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${base()}leaflet/leaflet.css` });
    const script = Object.assign(document.createElement("script"), { src: `${base()}leaflet/leaflet.js`, onload: () => done(window.L), onerror: fail });
    document.head.prepend(link);
    document.head.append(script);
  });
  return leaflet;
}

export function maps(root) {
  for (const box of root.querySelectorAll("[data-map]")) {
    if (box.dataset.drawn) continue;
    box.dataset.drawn = "1";
    load().then((L) => draw(L, box));
  }
}

function draw(L, box) {
  const map = L.map(box, { attributionControl: false, preferCanvas: true, maxZoom: 20, minZoom: 9, zoomSnap: 0.5 });
  L.control.scale({ imperial: false }).addTo(map);
  const known = box.dataset.lon ? [Number(box.dataset.lat), Number(box.dataset.lon)] : null;
  const frame = box.dataset.box?.split(",").map(Number);
  const put = pin(L, map, box);
  if (frame) map.fitBounds([[frame[1], frame[0]], [frame[3], frame[2]]]);
  if (known) { put(known); map.setView(known, 17); }
  const fill = layers(L, map, box);
  map.on("moveend", fill);
  if (known || frame) fill(); else everything(L, map, box).then(fill);
  if (box.dataset.pick) pick(map, box, put);
  marks(L, map);
  box.addEventListener("map:show", () => {
    const at = [Number(box.dataset.lat), Number(box.dataset.lon)];
    put(at);
    fill.stress();
    map.setView(at, Math.max(map.getZoom(), 17), { animate: false });
  });
  new ResizeObserver(() => map.invalidateSize()).observe(box);
}

function pin(L, map, box) {
  let marker = null;
  return (at) => {
    const colour = LAMPS[box.dataset.lamp] || LAMPS.none;
    const html = `<svg width="30" height="30" viewBox="0 0 30 30"><circle cx="15" cy="15" r="14" fill="${colour}" fill-opacity=".22"/><circle cx="15" cy="15" r="7.5" fill="${colour}" stroke="#fff" stroke-width="2"/></svg>`;
    const icon = L.divIcon({ className: "", html, iconSize: [30, 30], iconAnchor: [15, 15] });
    if (marker) marker.setLatLng(at).setIcon(icon);
    else marker = L.marker(at, { icon, keyboard: false, interactive: false, zIndexOffset: 500 }).addTo(map);
  };
}

// — the layers ——————————————————————————————————————————————————————————————————————————————————————

function layers(L, map, box) {
  const credits = {}, names = L.layerGroup().addTo(map);
  const isMeant = ({ properties }) => box.dataset.meant && [properties.code, properties.name].includes(box.dataset.meant);
  const groups = (box.dataset.layers || "").split(" ").filter(Boolean).map((url) => {
    const name = url.match(/(\w+)\.geojson/)[1];
    const style = (feature) => ({
      ...LAYERS[name].style,
      ...(name === "roads" ? { weight: roadWidth(map.getZoom()) } : {}),
      ...(isMeant(feature) ? { ...MEANT, fill: name !== "roads" } : {}),
    });
    const onEachFeature = (feature, layer) => {
      const label = feature.properties.name || feature.properties.code;
      if (label && name !== "areas" && name !== "roads") layer.bindTooltip(plain(label), { sticky: true });
    };
    const layer = L.geoJSON(null, { style, onEachFeature, pointToLayer: (feature, at) => L.circleMarker(at, { radius: 4 }) });
    return { url, name, style, layer: layer.addTo(map) };
  });
  const order = () => {
    for (const { layer } of groups) layer.eachLayer((one) => { if (isMeant(one.feature)) one.bringToFront(); });
    write(L, map, names, groups);
    const note = box.parentElement.querySelector("[data-map-note]");
    if (note) note.textContent = [...new Set(Object.values(credits).filter(Boolean))].join(" · ");
  };
  const fill = () => box.offsetWidth && groups.forEach(async (group) => {
    if (map.getZoom() < LAYERS[group.name].from) { group.layer.clearLayers(); group.asked = ""; order(); return; }
    const wanted = inBox(map.getBounds().pad(0.2));
    if (group.asked === wanted) return;
    group.asked = wanted;
    const answer = await fetch(`${group.url}?bbox=${wanted}`, quiet).catch(() => null);
    const data = answer?.ok ? await answer.json() : null;
    if (!data || group.asked !== wanted) return;
    group.layer.clearLayers();
    group.layer.addData(data);
    credits[group.name] = data.attribution;
    order();
  });
  fill.stress = () => { for (const { layer, style } of groups) layer.setStyle(style); order(); };
  return fill;
}

// Names: a road's once, on the road, near the middle of what is seen; an area's in its middle.
function write(L, map, names, groups) {
  names.clearLayers();
  const seen = map.getBounds().pad(-0.08), done = new Set(), taken = [];
  const say = (at, text, className) => {
    const middle = map.latLngToContainerPoint(at), half = [...text].reduce((sum, sign) => sum + (sign > "\u2e80" ? 7 : 3.8), 0);
    if (taken.some((one) => Math.abs(one.middle.y - middle.y) < 16 && Math.abs(one.middle.x - middle.x) < one.half + half)) return;
    taken.push({ middle, half });
    done.add(text);
    names.addLayer(L.tooltip({ permanent: true, direction: "center", className, interactive: false }).setLatLng(at).setContent(document.createTextNode(text)));
  };
  const of = (name) => groups.find((group) => group.name === name)?.layer.getLayers() || [];
  if (map.getZoom() >= ROAD_NAMES_FROM) {
    for (const road of of("roads")) {
      const text = road.feature.properties.name, at = text && !done.has(text) && nearestOf(road.getLatLngs(), map, seen);
      if (at) say(at, text, "road-name");
    }
  } else {
    const level = map.getZoom() < 14.5 ? "street" : "community";
    for (const area of of("areas")) {
      const { name, level: its } = area.feature.properties, at = area.getBounds().getCenter();
      if (its === level && seen.contains(at)) say(at, name, "area-name");
    }
  }
}

function nearestOf(lines, map, seen) {
  const middle = map.latLngToContainerPoint(map.getCenter());
  let best = null, least = Infinity;
  for (const line of Array.isArray(lines[0]) ? lines : [lines]) {
    for (let place = 1; place < line.length; place += 1) {
      for (const share of [0.2, 0.5, 0.8]) {
        const at = { lat: line[place - 1].lat + (line[place].lat - line[place - 1].lat) * share, lng: line[place - 1].lng + (line[place].lng - line[place - 1].lng) * share };
        if (!seen.contains(at)) continue;
        const far = map.latLngToContainerPoint(at).distanceTo(middle);
        if (far > 45 && far < least) { least = far; best = at; }
      }
    }
  }
  return best;
}

// Nothing is meant: the whole of what there is.
async function everything(L, map, box) {
  map.setView([31, 117], 11);
  const first = (box.dataset.layers || "").split(" ")[0];
  const answer = first && await fetch(`${first}?bbox=-180,-90,180,90`, quiet).catch(() => null);
  const data = answer?.ok ? await answer.json() : null;
  const widest = data?.features.find((feature) => feature.geometry);
  if (widest) map.fitBounds(L.geoJSON(widest).getBounds());
}

// — marks of other things on the page ———————————————————————————————————————————————————————————————

function marks(L, map) {
  const group = L.layerGroup().addTo(map);
  const read = () => {
    group.clearLayers();
    for (const one of document.querySelectorAll("[data-mark]")) {
      const [lon, lat] = one.dataset.mark.split(",").map(Number);
      const isShot = one.dataset.markLamp === "shot"; // where a picture was taken
      const mark = L.circleMarker([lat, lon], { radius: isShot ? 4 : 6, color: isShot ? "#10263f" : "#fff", weight: 2, fillOpacity: 1, fillColor: isShot ? "#fff" : LAMPS[one.dataset.markLamp] || LAMPS.none });
      const link = one.querySelector("a[href]");
      if (link) { mark.bindTooltip(plain(link.dataset.said || link.textContent.trim())); mark.on("click", () => link.click()); }
      group.addLayer(mark);
    }
  };
  document.body.addEventListener("htmx:load", read);
  read();
}

// — choosing a place ————————————————————————————————————————————————————————————————————————————————

function pick(map, box, put) {
  const [lon, lat] = box.dataset.pick.split(",").map((id) => document.getElementById(id));
  if (!lon || !lat) return;
  const read = () => {
    if (!lon.value || !lat.value) return;
    const at = [Number(lat.value), Number(lon.value)];
    if (at.some(Number.isNaN)) return;
    put(at);
    if (map.getZoom() < 17 || !map.getBounds().pad(-0.1).contains(at)) map.setView(at, Math.max(map.getZoom(), 17));
  };
  const choose = ({ lng, lat: north }) => {
    lon.value = lng.toFixed(6);
    lat.value = north.toFixed(6);
    for (const input of [lon, lat]) input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  map.on("click", (event) => choose(event.latlng));
  box.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); choose(map.getCenter()); } });
  for (const input of [lon, lat]) input.addEventListener("change", read);
  read();
}
