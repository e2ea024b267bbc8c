// Who is where, on the drawn map: markers of the page itself, so that they look and read like everything else. Those that lie on each
// other are one that opens as a list; counts, where the server tells only those, open as lists that are asked for (`/map/cell`).

import { Marker, Popup } from "/static/maplibre/maplibre-gl.mjs";

/// Markers nearer to each other than this, in pixels, are one.
const CLOSE = 36;

/// Half of a mark's side, and from there to its name, in pixels (`.map-mark`).
const HALF = 12;
const GAP = 4;

const around = (x, y, half) => [x - half, y - half, x + half, y + half];
const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

function element(name, className, words) {
  const made = document.createElement(name);
  made.className = className;
  if (words !== undefined) made.textContent = words;
  return made;
}

/// The markers of `map`. `page` is what `map.js` knows and can do.
export function marks(map, page) {
  const { units } = page;
  const markers = new Map(); // by member, or by cell
  const bundles = new Map(); // by the key of their one marker: those that lie on each other
  let level = null;
  let popup;
  let pressed; // the count whose list was asked for last

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

  /// A unit may be known before its marker is there: a batch that is being taken in, or a level that is just left.
  const isDrawn = (unit) => unit.fix && markers.has(unit.id);

  function look(unit) {
    if (!isDrawn(unit)) return;
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
      if (!isDrawn(unit)) continue;
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
    write();
  }

  /// A name stands beside its mark where there is room for it, on its right or its left. Where there is none, the list says who it is.
  function write() {
    const seen = [...units.values()].filter((unit) => isDrawn(unit) && !markers.get(unit.id).getElement().hidden);
    seen.sort((a, b) => (b.id === page.selected()) - (a.id === page.selected()));
    const wide = map.getContainer().clientWidth;
    // All widths before anything is changed, so that the browser lays the page out once.
    const lines = seen.map((unit) => {
      const made = markers.get(unit.id).getElement();
      const { x, y } = map.project([unit.fix.lon, unit.fix.lat]);
      const width = Math.max(...[...made.querySelectorAll(".map-mark-name, .map-mark-age")].map((words) => words.offsetWidth));
      return { made, x, y, width, dot: around(x, y, HALF) };
    });
    const counted = [...bundles.values()].map(([{ fix }]) => map.project([fix.lon, fix.lat])).map(({ x, y }) => around(x, y, 18));
    const taken = [...counted, ...lines.map((line) => line.dot)];
    for (const { made, x, y, width, dot } of lines) {
      const [right, left] = [x + HALF + GAP, x - HALF - GAP - width];
      const sides = { right: [right, y - 16, right + width, y + 16], left: [left, y - 16, left + width, y + 16] };
      const isFree = (place) => place[0] >= 0 && place[2] <= wide && !taken.some((other) => other !== dot && meet(other, place));
      const side = Object.keys(sides).find((name) => isFree(sides[name]));
      made.dataset.side = side ?? "";
      made.toggleAttribute("data-bare", !side);
      if (side) taken.push(sides[side]);
    }
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
    settle();
  }

  /// After each move, and when somebody else is selected.
  function settle() {
    if (level === null) cluster();
  }

  /// Ages change without any news.
  function age() {
    for (const unit of units.values()) if (unit.fix && markers.has(unit.id)) look(unit);
  }

  return { apply, age, settle };
}
