// Where somebody has been: their trail as a line, and a slider through it.

import { Marker } from "/static/maplibre/maplibre-gl.mjs";
import { nothing } from "/static/map-ground.js";

/// The trail that is shown at first, in hours.
const HOURS = 2;

/// Draws the trail of who is selected, each time it is called.
export function trails(map, page) {
  const slider = document.getElementById("map-slider");
  const said = document.getElementById("map-slider-at");
  let points = [];
  let turn = 0;
  let ghost;

  function slide() {
    const point = points[Number(slider.value)];
    if (!point) return;
    const [at, lat, lon] = point;
    if (!ghost) {
      const dot = document.createElement("span");
      dot.className = "map-ghost";
      ghost = new Marker({ element: dot }).setLngLat([lon, lat]).addTo(map);
    }
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
  return trail;
}
