/** Candles of trades, volume below them, mark and index as lines over them. */

import { s } from "../dom.js";
import { drawn } from "../format.js";
import { clocks, decimalsFor, extent, paper, rules, scale, ticks } from "./axes.js";
import { path } from "./lines.js";

const HEIGHT = 320;
const VOLUME = 46;
const RIGHT = 74;
const BELOW = 24;
const BARS_MIN = 12;
/** A market that is young is drawn as wide as so many candles at the least. */

/** @typedef {{time: number, mark: string, index: string}} Quote */

/**
 * @param {{candles: any[], quotes: Quote[], seconds: number, start: number, end: number}} seen
 * @param {number} width
 */
export function candleChart({ candles, quotes, seconds, start, end }, width) {
  const bars = candles.map((one) => ({
    time: one.time,
    open: drawn(one.openP8, 8),
    high: drawn(one.highP8, 8),
    low: drawn(one.lowP8, 8),
    close: drawn(one.closeP8, 8),
    volume: drawn(one.volumeS8, 8),
  }));
  const lines = ["mark", "index"].map((name) =>
    quotes
      .filter((one) => one.time >= start)
      .map((one) => [one.time, drawn(/** @type {any} */ (one)[name], 8)]),
  );
  const values = [...bars.flatMap((one) => [one.high, one.low]), ...lines.flat().map(([, value]) => value)];
  if (values.length === 0) return null;
  const [low, high] = extent(values);
  const first = Math.min(...bars.map((one) => one.time), ...lines[0].map(([at]) => at));
  start = Math.max(start, Math.min(first, end - BARS_MIN * seconds));
  const right = width - RIGHT;
  const bottom = HEIGHT - BELOW - VOLUME;
  const x = scale(start, end, 0, right);
  const y = scale(low, high, bottom, 10);
  const steps = ticks(low, high, 5);
  const marks = [
    rules(steps, y, right, width, decimalsFor(steps.length > 1 ? steps[1] - steps[0] : 1)),
    clocks(start, end, x, HEIGHT - 6, right),
    volumes(bars, x, seconds, right),
    bars.map((bar) => candle(bar, x, y, seconds)),
    lines.map((line, place) => s("path", { class: `series-${place}`, d: path(line, x, y) })),
  ];
  return paper(width, HEIGHT, label(bars, lines), marks);
}

/** @param {any} bar @param {(at: number) => number} x @param {(at: number) => number} y @param {number} seconds */
function candle(bar, x, y, seconds) {
  const left = x(bar.time + seconds * 0.15);
  const wide = Math.max(1.5, x(bar.time + seconds * 0.85) - left);
  const middle = left + wide / 2;
  const top = Math.min(y(bar.open), y(bar.close));
  return s(
    "g",
    { class: bar.close >= bar.open ? "up" : "down" },
    s("line", { x1: middle, x2: middle, y1: y(bar.high), y2: y(bar.low) }),
    s("rect", { x: left, y: top, width: wide, height: Math.max(1, Math.abs(y(bar.open) - y(bar.close))) }),
  );
}

/** @param {any[]} bars @param {(at: number) => number} x @param {number} seconds @param {number} right */
function volumes(bars, x, seconds, right) {
  const most = bars.reduce((one, bar) => Math.max(one, bar.volume), 0) || 1;
  const floor = HEIGHT - BELOW;
  const y = scale(0, most, floor, floor - VOLUME + 8);
  return [
    s("line", { class: "rule", x1: 0, x2: right, y1: floor, y2: floor }),
    bars.map((bar) =>
      s("rect", {
        class: bar.close >= bar.open ? "up" : "down",
        "fill-opacity": 0.35,
        "stroke-opacity": 0,
        x: x(bar.time + seconds * 0.15),
        y: y(bar.volume),
        width: Math.max(1.5, x(bar.time + seconds * 0.85) - x(bar.time + seconds * 0.15)),
        height: floor - y(bar.volume),
      }),
    ),
  ];
}

/** @param {any[]} bars @param {any[][]} lines */
function label(bars, lines) {
  const last = bars.at(-1);
  const traded = last ? `Last trade at ${last.close}, between ${last.low} and ${last.high}. ` : "No trades. ";
  const mark = lines[0].at(-1);
  return `Price. ${traded}${mark ? `Mark ${mark[1]}.` : ""}`;
}
