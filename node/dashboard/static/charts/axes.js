/** Scales and axes. Drawing works with ordinary numbers; amounts themselves never do. */

import { s } from "../dom.js";

/** From a value to a place on the paper. @param {number} low @param {number} high @param {number} from @param {number} to */
export function scale(low, high, from, to) {
  const reach = high - low || 1;
  return (/** @type {number} */ value) =>
    Math.round((from + ((value - low) / reach) * (to - from)) * 100) / 100;
}

/** Round values between two others, about so many. @param {number} low @param {number} high @param {number} count */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(value);
  return found;
}

/** The least and the greatest, with some room. @param {number[]} values @param {number} [room] */
export function extent(values, room = 0.06) {
  const low = values.reduce((one, other) => Math.min(one, other), Infinity);
  const high = values.reduce((one, other) => Math.max(one, other), -Infinity);
  const margin = (high - low) * room || Math.abs(high) * 0.001 || 1;
  return [low - margin, high + margin];
}

/** @param {number} width @param {number} height @param {string} label @param {import("../dom.js").Child[]} marks @param {string} [kind] */
export function paper(width, height, label, marks, kind = "") {
  return s(
    "svg",
    {
      class: `chart ${kind}`,
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": label,
    },
    marks,
  );
}

/** Lines across with their values at the right. @param {number[]} at @param {(value: number) => number} y @param {number} right @param {number} width @param {(value: number) => string} say */
export function rules(at, y, right, width, say) {
  return at.map((value) => [
    s("line", { class: "rule", x1: 0, x2: right, y1: y(value), y2: y(value) }),
    s("text", { x: width, y: y(value) + 4, "text-anchor": "end" }, say(value)),
  ]);
}

/** Clock times below. @param {number} start @param {number} end @param {(value: number) => number} x @param {number} y @param {number} right */
export function clocks(start, end, x, y, right) {
  const count = Math.max(2, Math.floor(right / 110));
  const step = (end - start) / count;
  const style = /** @type {Intl.DateTimeFormatOptions} */ ({
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(step < 60 ? { second: "2-digit" } : {}),
  });
  return Array.from({ length: count }, (_, place) => {
    const at = start + step * (place + 0.5);
    const words = new Date(at * 1000).toLocaleTimeString([], style);
    return s("text", { x: x(at), y, "text-anchor": "middle" }, words);
  });
}

/** Thousands separated, with as many decimals as a step needs. @param {number} step */
export function decimalsFor(step) {
  const digits = Math.max(0, Math.min(8, Math.ceil(-Math.log10(step || 1))));
  return (/** @type {number} */ value) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
