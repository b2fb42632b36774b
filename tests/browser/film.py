"""A short film of a page, as an animated picture that is shown wherever pictures are: an animated WebP.

Source: RFC 9649, section 2.7.
"""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Iterator
from typing import Any

from attrs import define, field
from playwright.sync_api import Page

__all__ = ["Film"]

_QUALITY = 0.4
_LAST = 1500  # ms that the last picture stays

_ENCODER = """
async ([png, quality]) => {
  const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = image;
  const whole = new OffscreenCanvas(width, height).getContext("2d");
  whole.drawImage(image, 0, 0);
  const pixels = new Uint32Array(whole.getImageData(0, 0, width, height).data.buffer);
  let [left, top, right, bottom] = [0, 0, width, height];
  if (window.before) {
    [left, top, right, bottom] = [width, height, 0, 0];
    for (let at = 0; at < pixels.length; at++) {
      if (pixels[at] === before[at]) continue;
      const [x, y] = [at % width, Math.floor(at / width)];
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
    if (left >= right) return null;
    [left, top] = [left & ~1, top & ~1]; // the format has them halved
  }
  window.before = pixels;
  const part = new OffscreenCanvas(right - left, bottom - top);
  part.getContext("2d", { alpha: false }).drawImage(image, -left, -top);
  const blob = await part.convertToBlob({ type: "image/webp", quality });
  let text = "";
  for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
  return { left, top, width: right - left, height: bottom - top, data: btoa(text) };
}
"""
"""What has changed since the picture before, as a still WebP; null: nothing has."""


@define
class _Frame:
    place: dict[str, Any]
    data: bytes
    """The chunk of a still picture."""
    at: float


@define
class Film:
    """Pictures of a page, in the order in which they are taken."""

    page: Page
    _frames: list[_Frame] = field(init=False, factory=list)
    _encoder: Page = field(init=False)

    def __attrs_post_init__(self) -> None:
        browser = self.page.context.browser
        assert browser is not None
        self._encoder = browser.new_page()

    def take(self) -> None:
        """One more."""
        at = time.monotonic()
        png = base64.b64encode(self.page.screenshot()).decode()
        found = self._encoder.evaluate(_ENCODER, [png, _QUALITY])
        if found is not None:
            self._frames.append(_Frame(found, _still(base64.b64decode(found.pop("data"))), at))

    def develop(self) -> bytes:
        """The file."""
        first = self._frames[0].place
        size = _number(first["width"] - 1) + _number(first["height"] - 1)
        chunks = [_chunk(b"VP8X", b"\2\0\0\0" + size), _chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, 0))]
        body = b"".join([b"WEBP", *chunks, *self._animated()])
        self._encoder.close()
        return b"RIFF" + struct.pack("<I", len(body)) + body

    def _animated(self) -> Iterator[bytes]:
        ends = [frame.at for frame in self._frames[1:]] + [self._frames[-1].at + _LAST / 1000]
        for frame, end in zip(self._frames, ends, strict=True):
            place = frame.place
            numbers = (place["left"] // 2, place["top"] // 2, place["width"] - 1, place["height"] - 1)
            head = b"".join(map(_number, (*numbers, round(1000 * (end - frame.at)))))
            yield _chunk(b"ANMF", head + b"\2" + frame.data)  # 2: over what was there, not blended


def _still(webp: bytes) -> bytes:
    """Of the file of a still picture the chunk with its pixels."""
    at = 12
    while at < len(webp):
        name, size = struct.unpack_from("<4sI", webp, at)
        if name == b"VP8 ":
            return webp[at : at + 8 + size + size % 2]
        at += 8 + size + size % 2
    raise AssertionError("no picture")


def _number(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
