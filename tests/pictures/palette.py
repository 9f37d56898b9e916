"""Smaller PNG files: one byte for a pixel, an index into the picture's own 256 colours."""

import base64
import struct
import zlib
from typing import Final

from playwright.sync_api import Browser

# Decoding and counting is the browser's work: it has both, and Python would take a minute for it.
_INDEXED: Final = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const brush = new OffscreenCanvas(image.width, image.height).getContext("2d");
  brush.drawImage(image, 0, 0);
  const colours = new Uint32Array(brush.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const often = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256);
  const palette = often.map(([colour]) => parts(colour));
  const places = new Map(often.map(([colour], at) => [colour, at]));
  for (const colour of counts.keys()) {
    if (places.has(colour)) continue;
    const [red, green, blue] = parts(colour);
    const far = palette.map(([r, g, b]) => (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2);
    places.set(colour, far.indexOf(Math.min(...far)));
  }
  const indices = Uint8Array.from(colours, (colour) => places.get(colour));
  const reader = new FileReader();
  const read = new Promise((done) => { reader.onload = () => done(reader.result); });
  reader.readAsDataURL(new Blob([indices]));
  return [image.width, image.height, palette.flat(), (await read).split(",")[1]];
}"""


def with_palette(browser: Browser, png: bytes) -> bytes:
    """The same picture; colours beyond the 256 most frequent become the nearest of those."""
    page = browser.new_page()
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    width, height, palette, encoded = page.evaluate(_INDEXED, source)
    page.close()
    indices = base64.b64decode(encoded)
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
