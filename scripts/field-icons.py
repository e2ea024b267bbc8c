#!/usr/bin/env python3
"""Draws the icons of the technician's page for home screens: public/static/field-192.png and field-512.png.

Run by hand, when the mark changes; nothing needs it at run time. The same drawing as public/static/favicon.svg and
src/ui/parts/brand.rs, but to the edge, because telephones cut icons to their own shapes: everything of the mark stays within
four fifths of the middle, which none of them cuts.
"""

import math
import struct
import zlib
from pathlib import Path

GROUND = (0x0B, 0x66, 0x63)
INK = (0xFF, 0xFF, 0xFF)
# Radius of a ring, and between which angles it is open, in degrees; y grows downwards. On a field of 32.
RINGS = ((9.5, 30.0, 60.0), (5.0, 20.0, 70.0))
HALF = 1.2
LEVELS = 15


def distance(x, y):
    """How far a point is from the middle of the nearest line."""
    best = math.hypot(x, y)
    angle = math.degrees(math.atan2(y, x))
    for radius, begin, end in RINGS:
        if not begin < angle < end:
            best = min(best, abs(math.hypot(x, y) - radius))
        for at in (math.radians(begin), math.radians(end)):
            best = min(best, math.hypot(x - radius * math.cos(at), y - radius * math.sin(at)))
    return best


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def icon(size):
    unit = 32 / size
    rows = bytearray()
    for row in range(size):
        levels = []
        for column in range(size):
            far = distance((column + 0.5) * unit - 16, (row + 0.5) * unit - 16)
            levels.append(round(LEVELS * min(1, max(0, (HALF - far) / unit + 0.5))))
        # Four bits for each point, two points in a byte.
        rows += b"\0" + bytes(a << 4 | b for a, b in zip(levels[::2], levels[1::2]))
    mix = [round(g + (i - g) * n / LEVELS) for n in range(LEVELS + 1) for g, i in zip(GROUND, INK)]
    head = struct.pack(">IIBBBBB", size, size, 4, 3, 0, 0, 0)
    body = chunk(b"PLTE", bytes(mix)) + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


for size in (192, 512):
    place = Path(__file__).parent.parent / "public" / "static" / f"field-{size}.png"
    place.write_bytes(icon(size))
    print(place, place.stat().st_size)
