"""Contrast of all text that is shown, by WCAG 2.2, 1.4.3 (AA)."""

from typing import Any

from playwright.sync_api import Page

_LOW = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (colour) => {
    const [r, g, b] = [...rgba(colour)].map((one) => {
      const share = one / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const texts = [...element.childNodes].filter((one) => one.nodeType === 3);
    const said = texts.map((one) => one.nodeValue.trim()).find(Boolean);
    if (said === undefined || element.getClientRects().length === 0) continue;
    if (element.closest(".unseen, .skip, noscript")) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [one, other] = [luminance(colour), luminance(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24;
    if (ratio < (isLarge ? 3 : 4.5)) low.push([said.slice(0, 40), Number(ratio.toFixed(2))]);
  }
  return low;
}
"""


def low_contrast(page: Page) -> Any:
    """Texts that are too faint, each with its ratio."""
    return page.evaluate(_LOW)
