// What the drawn map stands on: the base map that is shipped, tiles above it where a server of them is configured, and the line of a
// trail. Colours are the page's.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

async function shape(name) {
  const answer = await fetch(`/static/map/${name}.json`);
  if (!answer.ok) throw Error(`${name}: ${answer.status}`);
  return answer.json();
}

/// A source without anything in it.
export const nothing = { type: "FeatureCollection", features: [] };

/// MapLibre's description of the ground, for `box`'s settings. Fails where a shape cannot be loaded.
export async function style(box) {
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

/// The page's colours, which change with the system's.
export function paint(map) {
  map.setPaintProperty("sea", "background-color", colour("sunken"));
  map.setPaintProperty("land", "fill-color", colour("raised"));
  map.setPaintProperty("land", "fill-outline-color", colour("line-strong"));
  map.setPaintProperty("states", "line-color", colour("line-strong"));
  map.setPaintProperty("countries", "line-color", colour("muted"));
  map.setPaintProperty("trail", "line-color", colour("accent"));
}
