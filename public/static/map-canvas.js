// The drawn map: MapLibre with the base map that is shipped, and technicians as markers of the page itself, so that they look and
// read like everything else. There are never more of them than the server tells one by one (200); more come as counts, which open
// as lists that are asked for (`/map/cell`). Loaded by `map.js`, where there is WebGL.

import { LngLatBounds, Map as Drawn, Marker, NavigationControl, Popup, ScaleControl } from "/static/maplibre/maplibre-gl.mjs";

/// Markers nearer to each other than this, in pixels, are one.
const CLOSE = 36;
/// The trail that is shown at first, in hours.
const HOURS = 2;
/// How near a view of somebody is at first. Without tiles there are only borders and coasts to find one's way by.
const near = (box) => (box.dataset.tiles ? 11 : 7);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

async function shape(name) {
  const answer = await fetch(`/static/map/${name}.json`);
  if (!answer.ok) throw Error(`${name}: ${answer.status}`);
  return answer.json();
}

const nothing = { type: "FeatureCollection", features: [] };

async function style(box) {
  const [land, countries, states] = await Promise.all(["land", "countries", "states"].map(shape));
  const source = (data) => ({ type: "geojson", data, tolerance: 0.2 });
  const line = (id, width) => ({ id, type: "line", source: id, paint: { "line-width": width } });
  const tiles = box.dataset.tiles;
  return {
    version: 8,
    transition: { duration: 0, delay: 0 },
    sources: {
      land: source(land),
      countries: source(countries),
      states: source(states),
      trail: source(nothing),
      ...(tiles ? { tiles: { type: "raster", tiles: [tiles], tileSize: 256, maxzoom: 19 } } : {}),
    },
    layers: [
      // From the first picture on: without a colour it would be black.
      { id: "sea", type: "background", paint: { "background-color": colour("sunken") } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": colour("raised") } },
      line("states", 0.8),
      line("countries", 1.4),
      ...(tiles ? [{ id: "tiles", type: "raster", source: "tiles" }] : []),
      { ...line("trail", 3), layout: { "line-cap": "round", "line-join": "round" } },
    ],
  };
}

/// Colours are the page's; they change with the system's.
function paint(map) {
  map.setPaintProperty("sea", "background-color", colour("sunken"));
  map.setPaintProperty("land", "fill-color", colour("raised"));
  map.setPaintProperty("land", "fill-outline-color", colour("line-strong"));
  map.setPaintProperty("states", "line-color", colour("line-strong"));
  map.setPaintProperty("countries", "line-color", colour("muted"));
  map.setPaintProperty("trail", "line-color", colour("accent"));
}

function element(name, className, words) {
  const made = document.createElement(name);
  made.className = className;
  if (words !== undefined) made.textContent = words;
  return made;
}

/// Draws the map. `page` is what `map.js` knows and can do.
export async function draw(page) {
  const { box, units } = page;
  const canvas = document.getElementById("map-canvas");
  const bounds = box.dataset.bounds.split(",").map(Number);
  canvas.hidden = false;
  const map = new Drawn({
    container: canvas,
    style: await style(box),
    bounds,
    fitBoundsOptions: { padding: 48, maxZoom: near(box) },
    maxZoom: 18,
    attributionControl: false,
    renderWorldCopies: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
  });
  try {
    await new Promise((resolve, reject) => {
      map.once("load", resolve);
      setTimeout(() => reject(Error("it did not load")), 15_000);
    });
  } catch (error) {
    map.remove();
    canvas.hidden = true;
    throw error;
  }
  paint(map);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(map));
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "imperial" }), "bottom-left");
  box.classList.add("map-awake");

  const markers = new Map(); // by member, or by cell
  const bundles = new Map(); // by the key of their one marker: those that lie on each other
  let level = null;
  let popup;
  let pressed; // the count whose list was asked for last

  // ---------- Markers ----------

  function marker(key, made, place, press) {
    made.type = "button";
    // The list is where the keyboard goes: hundreds of stops on a map would be none.
    made.tabIndex = -1;
    made.addEventListener("click", (event) => {
      event.stopPropagation();
      press();
    });
    const one = new Marker({ element: made }).setLngLat(place).addTo(map);
    markers.set(key, one);
    return one;
  }

  function drop(key) {
    markers.get(key)?.remove();
    markers.delete(key);
  }

  function look(unit) {
    const made = markers.get(unit.id).getElement();
    const word = page.band(unit.fix.at);
    made.dataset.state = unit.state;
    made.dataset.band = word;
    made.toggleAttribute("data-selected", unit.id === page.selected());
    const said = `${unit.name}, ${page.word(unit.state)}, ${word}, ${page.ago((page.now() - unit.fix.at) / 1000)}`;
    if (made.getAttribute("aria-label") !== said) made.setAttribute("aria-label", said);
    made.querySelector(".map-mark-name").textContent = unit.name;
    made.querySelector(".map-mark-age").textContent = page.ago((page.now() - unit.fix.at) / 1000);
    const arrow = made.querySelector(".map-mark-heading");
    arrow.hidden = unit.fix.heading === null || unit.state === "standing";
    arrow.style.transform = `rotate(${unit.fix.heading ?? 0}deg)`;
  }

  function place(unit) {
    const at = [unit.fix.lon, unit.fix.lat];
    if (!markers.has(unit.id)) {
      const made = element("button", "map-mark");
      made.append(
        element("span", "map-mark-heading"),
        element("span", "map-mark-shape"),
        element("span", "map-mark-name"),
        element("span", "map-mark-age"),
      );
      marker(unit.id, made, at, () => page.select(unit.id, false));
    } else markers.get(unit.id).setLngLat(at);
    look(unit);
  }

  /// Those that lie on each other become one that opens as a list. By what is seen, so again after each move.
  function cluster() {
    const groups = [];
    for (const unit of units.values()) {
      if (!unit.fix) continue;
      const at = map.project([unit.fix.lon, unit.fix.lat]);
      // Who is selected stays to be seen: they join nobody, and nobody joins them.
      const isOpen = unit.id !== page.selected();
      const near = isOpen && groups.find((one) => one.isOpen && Math.hypot(one.at.x - at.x, one.at.y - at.y) < CLOSE);
      if (near) near.units.push(unit);
      else groups.push({ at, isOpen, units: [unit] });
    }
    bundles.clear();
    for (const { units: together } of groups) {
      const alone = together.length === 1;
      for (const unit of together) markers.get(unit.id).getElement().hidden = !alone;
      if (!alone) bundle(together);
    }
    for (const key of [...markers.keys()]) if (key.startsWith("many ") && !bundles.has(key)) drop(key);
  }

  /// Their one marker. The same one for as long as there is one: a press that lasts over a batch is a press.
  function bundle(together) {
    const [first] = together;
    const [key, at] = [`many ${first.id}`, [first.fix.lon, first.fix.lat]];
    bundles.set(key, together);
    const press = () => unfold(markers.get(key).getLngLat(), bundles.get(key));
    const one = markers.get(key) ?? marker(key, element("button", "map-many"), at, press);
    one.setLngLat(at);
    const made = one.getElement();
    if (made.textContent === String(together.length)) return;
    made.textContent = String(together.length);
    made.setAttribute("aria-label", `${together.length} technicians here: open the list`);
  }

  /// A list of who is there; below it `more`, if there is anything more to say or to do.
  function unfold(at, together, more = []) {
    popup?.remove();
    const opener = document.activeElement;
    const held = element("ul", "map-menu");
    held.setAttribute("aria-label", "Technicians here");
    for (const unit of together.toSorted((a, b) => a.name.localeCompare(b.name))) {
      const item = element("li", "");
      const choice = element("button", "btn btn-ghost btn-small", unit.name);
      choice.type = "button";
      choice.append(page.copy(unit.state), page.copy(page.band(unit.fix.at)));
      choice.addEventListener("click", () => {
        popup.remove();
        // Who was counted was not told one by one: from here on they are.
        units.set(unit.id, unit);
        page.select(unit.id, true);
      });
      item.append(choice);
      held.append(item);
    }
    const all = element("div", "stack-tight");
    all.append(held, ...more);
    popup = new Popup({ closeButton: true, maxWidth: "20rem", focusAfterOpen: true }).setLngLat(at).setDOMContent(all).addTo(map);
    popup.getElement().addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      popup.remove();
      if (opener?.isConnected) opener.focus();
    });
  }

  /// The middle of a cell of the server's grid (model/map.rs).
  function middle(x, y) {
    const side = 2 ** level;
    const lat = (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + 0.5)) / side))) * 180) / Math.PI;
    return [((x + 0.5) / side) * 360 - 180, lat];
  }

  function count(x, y, number) {
    const key = `cell ${x} ${y}`;
    if (number === 0) {
      return drop(key);
    }
    const known = markers.get(key)?.getElement();
    const made = known ?? element("button", "map-many");
    made.textContent = String(number);
    made.setAttribute("aria-label", `${number} ${number === 1 ? "technician" : "technicians"} here: open the list`);
    if (known) return;
    marker(key, made, middle(x, y), () => members(x, y));
    made.addEventListener("keydown", step);
  }

  /// Who a count is of is asked for when it is pressed, as the stream was asked, so that they are the same people.
  async function members(x, y) {
    const asked = new URLSearchParams(page.asked());
    for (const [name, value] of Object.entries({ level, x, y })) asked.set(name, String(value));
    pressed = asked;
    const [at, grid] = [middle(x, y), level];
    const answer = await fetch(`/map/cell?${asked}`, { headers: { accept: "application/json" } }).catch(() => undefined);
    const found = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
    // Something else was pressed meanwhile, or the counts are others.
    if (pressed !== asked || level !== grid) return;
    const nearer = element("button", "btn btn-quiet btn-small", "Zoom in");
    nearer.type = "button";
    nearer.addEventListener("click", () => {
      popup.remove();
      map.easeTo({ center: at, zoom: map.getZoom() + 2 });
    });
    const words = !found ? "The list cannot be loaded just now." : found.more > 0 ? `and ${found.more} more: zoom in` : "";
    unfold(at, found?.units ?? [], words ? [element("p", "hint", words), nearer] : [nearer]);
  }

  /// The counts, by rows.
  function counts() {
    const cells = [...markers.keys()].filter((key) => key.startsWith("cell ")).map((key) => key.split(" ").slice(1).map(Number));
    cells.sort(([ax, ay], [bx, by]) => ay - by || ax - bx);
    return cells.map(([x, y]) => markers.get(`cell ${x} ${y}`).getElement());
  }

  /// For the keyboard all counts are one stop, as no list beside the map tells of them; arrows lead from one to the next.
  function rove() {
    const all = counts();
    if (all.length > 0 && !all.some((one) => one.tabIndex === 0)) all[0].tabIndex = 0;
  }

  function step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    // Else the map would move.
    event.preventDefault();
    event.stopPropagation();
    const here = event.currentTarget;
    const all = counts();
    const next = all[all.indexOf(here) + by];
    if (!next) return;
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  function apply(batch) {
    if (batch.whole) {
      const kept = new Set(batch.units.map((unit) => unit.id));
      for (const key of [...markers.keys()]) if (!kept.has(key)) drop(key);
    }
    level = batch.level;
    for (const id of batch.gone) drop(id);
    for (const unit of batch.units) {
      if (unit.fix) place(unit);
      else drop(unit.id);
    }
    for (const [x, y, number] of batch.cells) count(x, y, number);
    rove();
    if (level === null) cluster();
  }

  // ---------- The trail ----------

  const slider = document.getElementById("map-slider");
  const said = document.getElementById("map-slider-at");
  let points = [];
  let turn = 0;
  let ghost;

  function slide() {
    const point = points[Number(slider.value)];
    if (!point) return;
    const [at, lat, lon] = point;
    ghost ??= new Marker({ element: element("span", "map-ghost") }).setLngLat([lon, lat]).addTo(map);
    ghost.setLngLat([lon, lat]);
    said.textContent = page.moments.format(at);
  }

  async function trail() {
    const id = page.selected();
    const held = document.getElementById("map-trail");
    ghost?.remove();
    ghost = undefined;
    points = [];
    turn += 1;
    const mine = turn;
    map.getSource("trail").setData(nothing);
    held.hidden = !id;
    if (!id) return;
    const hours = Number(document.getElementById("map-hours").value || HOURS);
    const to = Math.floor(page.now());
    const asked = new URLSearchParams({ member: id, from: String(to - hours * 3_600_000), to: String(to) });
    const answer = await fetch(`/map/trail?${asked}`, { headers: { accept: "application/json" } }).catch(() => undefined);
    const told = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
    // Somebody else was selected meanwhile, or other hours.
    if (mine !== turn) return;
    if (!told) {
      said.textContent = "The trail cannot be loaded just now.";
      return;
    }
    points = told.points;
    slider.max = String(Math.max(0, points.length - 1));
    slider.value = slider.max;
    slider.disabled = points.length === 0;
    said.textContent = points.length === 0 ? "No positions are kept from this time." : "";
    const coordinates = points.map(([, lat, lon]) => [lon, lat]);
    const data = { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates } };
    map.getSource("trail").setData(points.length > 1 ? data : nothing);
    slide();
  }
  slider.addEventListener("input", slide);
  document.getElementById("map-hours").addEventListener("change", trail);

  // ---------- Moving ----------

  let soon;
  map.on("moveend", () => {
    if (level === null) cluster();
    clearTimeout(soon);
    soon = setTimeout(page.open, 400);
  });

  if (box.dataset.jobLat) {
    const made = element("span", "map-job", "Job");
    new Marker({ element: made }).setLngLat([box.dataset.jobLon, box.dataset.jobLat].map(Number)).addTo(map);
  }

  return {
    apply,
    age() {
      for (const unit of units.values()) if (unit.fix && markers.has(unit.id)) look(unit);
    },
    all: () => map.fitBounds(new LngLatBounds(bounds), { padding: 48, maxZoom: near(box) }),
    focus: () => map.getCanvas().focus(),
    select(andLook) {
      const unit = units.get(page.selected());
      if (andLook && unit?.fix) map.easeTo({ center: [unit.fix.lon, unit.fix.lat], zoom: Math.max(map.getZoom(), 9) });
      if (level === null) cluster();
      this.age();
      trail();
    },
    view() {
      const b = map.getBounds();
      const edges = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((edge) => edge.toFixed(5));
      return { bounds: edges.join(","), zoom: String(Math.max(0, Math.floor(map.getZoom()))) };
    },
  };
}
