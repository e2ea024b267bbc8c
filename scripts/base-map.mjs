// Makes the base map that is shipped in public/static/map: land, borders of countries and of the states of the USA, as compact
// GeoJSON. Run by hand, when the sources change; nothing needs it at run time:
//
//     cd "$(mktemp -d)" && npm pack world-atlas@2.0.2 us-atlas@3.0.1
//     for f in *.tgz; do tar xzf "$f" --one-top-level="${f%%-atlas*}"; done
//     node scripts/base-map.mjs world/package/land-50m.json world/package/countries-50m.json us/package/states-10m.json
//
// Sources: Natural Earth (public domain) as world-atlas, US Census Bureau (public domain) as us-atlas, both TopoJSON. Coordinates
// are rounded to 0.01 degrees, about a kilometre, and lines lose what nobody sees at that scale.

import { readFileSync, writeFileSync } from "node:fs";

const OUT = new URL("../public/static/map/", import.meta.url);
const DIGITS = 100;
/// How far a line may be from what it was, in degrees.
const TOLERANCE = 0.012;
/// Islands smaller than this are left out, in square degrees.
const SMALLEST = 0.003;

const round = (n) => Math.round(n * DIGITS) / DIGITS;

/// The arcs of a topology as lists of [lon, lat] (TopoJSON 2.1.3: quantised, each point a step from the one before).
function arcs(topology) {
  const { scale, translate } = topology.transform;
  return topology.arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
  });
}

/// Douglas and Peucker: ends stay, so arcs that meet still meet.
function simplify(points) {
  const keep = new Set([0, points.length - 1]);
  const open = [[0, points.length - 1]];
  while (open.length) {
    const [from, to] = open.pop();
    const [ax, ay] = points[from];
    const [dx, dy] = [points[to][0] - ax, points[to][1] - ay];
    const long = Math.hypot(dx, dy);
    let [far, at] = [TOLERANCE, -1];
    for (let i = from + 1; i < to; i++) {
      const [px, py] = [points[i][0] - ax, points[i][1] - ay];
      const off = long ? Math.abs(px * dy - py * dx) / long : Math.hypot(px, py);
      if (off > far) [far, at] = [off, i];
    }
    if (at > 0) {
      keep.add(at);
      open.push([from, at], [at, to]);
    }
  }
  return points.filter((_, i) => keep.has(i));
}

/// Rounded, without a point that is the same as the one before.
function compact(points) {
  const rounded = simplify(points).map(([x, y]) => [round(x), round(y)]);
  return rounded.filter(([x, y], i) => i === 0 || x !== rounded[i - 1][0] || y !== rounded[i - 1][1]);
}

const area = (ring) =>
  Math.abs(ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * y, 0)) / 2;

const polygonsOf = (geometry) =>
  geometry.type === "GeometryCollection"
    ? geometry.geometries.flatMap(polygonsOf)
    : geometry.type === "Polygon"
      ? [geometry.arcs]
      : geometry.type === "MultiPolygon"
        ? geometry.arcs
        : [];

function land(topology) {
  const lines = arcs(topology).map(compact);
  const ring = (numbers) => {
    const points = [];
    for (const number of numbers) {
      const line = number < 0 ? [...lines[~number]].reverse() : lines[number];
      points.push(...(points.length ? line.slice(1) : line));
    }
    return points;
  };
  return polygonsOf(topology.objects.land)
    .map((rings) => rings.map(ring).filter((r) => r.length > 3 && area(r) > SMALLEST))
    .filter((rings) => rings.length > 0);
}

/// Lines with one thing on each side: borders, and no coasts.
function borders(topology, object) {
  const users = new Map();
  topology.objects[object].geometries.forEach((geometry, owner) => {
    for (const number of polygonsOf(geometry).flat(2)) {
      const arc = number < 0 ? ~number : number;
      users.set(arc, (users.get(arc) ?? new Set()).add(owner));
    }
  });
  const lines = arcs(topology);
  return [...users]
    .filter(([, owners]) => owners.size > 1)
    .map(([arc]) => compact(lines[arc]))
    .filter((line) => line.length > 1);
}

function write(name, type, coordinates) {
  const text = JSON.stringify({ type: "Feature", properties: {}, geometry: { type, coordinates } });
  writeFileSync(new URL(name, OUT), `${text}\n`);
  console.log(name, text.length);
}

const [landFile, countries, states] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
write("land.json", "MultiPolygon", land(landFile));
write("countries.json", "MultiLineString", borders(countries, "countries"));
write("states.json", "MultiLineString", borders(states, "states"));
