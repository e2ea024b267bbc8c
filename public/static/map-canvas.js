// The drawn map: MapLibre on the base map that is shipped (`map-ground.js`), technicians as markers (`map-marks.js`) and where they have
// been (`map-trail.js`). There are never more markers than the server tells one by one (200); more come as counts. Loaded by `map.js`,
// where there is WebGL.

import { paint, style } from "/static/map-ground.js";
import { marks } from "/static/map-marks.js";
import { trails } from "/static/map-trail.js";
import { LngLatBounds, Map as Drawn, Marker, NavigationControl, ScaleControl } from "/static/maplibre/maplibre-gl.mjs";

/// How near a view of somebody is at first. Without tiles there are only borders and coasts to find one's way by.
const near = (box) => (box.dataset.tiles ? 11 : 7);

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

  const shown = marks(map, page);
  const trail = trails(map, page);

  let soon;
  map.on("moveend", () => {
    shown.settle();
    clearTimeout(soon);
    soon = setTimeout(page.open, 400);
  });

  if (box.dataset.jobLat) {
    const made = document.createElement("span");
    made.className = "map-job";
    made.textContent = "Job";
    new Marker({ element: made }).setLngLat([box.dataset.jobLon, box.dataset.jobLat].map(Number)).addTo(map);
  }

  return {
    apply: shown.apply,
    age: shown.age,
    all: () => map.fitBounds(new LngLatBounds(bounds), { padding: 48, maxZoom: near(box) }),
    focus: () => map.getCanvas().focus(),
    select(andLook) {
      const unit = units.get(page.selected());
      if (andLook && unit?.fix) map.easeTo({ center: [unit.fix.lon, unit.fix.lat], zoom: Math.max(map.getZoom(), 9) });
      shown.settle();
      shown.age();
      trail();
    },
    view() {
      const b = map.getBounds();
      const edges = [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((edge) => edge.toFixed(5));
      return { bounds: edges.join(","), zoom: String(Math.max(0, Math.floor(map.getZoom()))) };
    },
  };
}
