/**
 * What an account would gain or lose in the 24 scenarios of portfolio margin, in the order of
 * Scenarios.sol: 16 moves of the price with the volatility up or down, then 8 tails, which count with
 * a weight that is in the numbers already.
 */

import { h, s } from "../dom.js";
import { brief, drawn, gain } from "../format.js";
import { table } from "../parts.js";
import { extent, paper, rules, scale, ticks } from "./axes.js";

/** Per cent. */
const MOVES = [
  16, 12, 12, 8, 8, 4, 4, 0, 0, -4, -4, -8, -8, -12, -12, -16, -66, -33, 50, 100, 200, 300, 400, 500,
];
const CORE = 16;
const HEIGHT = 250;
const RIGHT = 62;
const BELOW = 40;

/** Whether volatility rises, as `volatilityUp` of Scenarios.sol says. @param {number} place */
const rises = (place) => place === 0 || place % 2 === 1 || place >= CORE;

/** @param {number} place */
const named = (place) => `${MOVES[place] > 0 ? "+" : ""}${MOVES[place]}%`.replace("-", "−");

/** Places from the deepest fall to the highest rise, core and tails apart. */
const ORDER = [...MOVES.keys()].sort(
  (one, other) =>
    Number(one >= CORE) - Number(other >= CORE) ||
    MOVES[one] - MOVES[other] ||
    Number(rises(one)) - Number(rises(other)),
);

/** In pixels: labels nearer than that run into each other. */
const LABEL_WIDTH = 42;

/** @param {string[]} pnl @param {number} width */
export function scenarioChart(pnl, width) {
  const values = pnl.map((one) => drawn(one, 6));
  const worst = values.indexOf(Math.min(...values));
  const [low, high] = extent([0, ...values]);
  const right = width - RIGHT;
  const y = scale(low, high, HEIGHT - BELOW, 10);
  const slot = right / (ORDER.length + 1);
  const label = `Gain or loss in 24 scenarios. The worst is ${worded(worst)}: ${gain(pnl[worst])} USD.`;
  const say = (/** @type {number} */ value) => brief(BigInt(Math.round(value * 1e6)));
  const drawing = paper(width, HEIGHT, label, [
    rules(ticks(low, high, 4), y, right, width, say),
    s("line", { class: "zero", x1: 0, x2: right, y1: y(0), y2: y(0) }),
    ORDER.map((place, order) => {
      // A slot is left free between core and tails.
      const left = slot * (order + (place >= CORE ? 1 : 0));
      const mood = values[place] >= 0 ? "gain" : place === worst ? "worst" : "loss";
      const title = `${worded(place)}: ${gain(pnl[place])} USD`;
      return [bar(y, values[place], left, slot, mood, title), names(place, order, left, slot)];
    }),
  ]);
  return [
    drawing,
    h("p", { class: "soft" }, label),
    h("details", {}, h("summary", {}, "All 24 as a table"), asTable(pnl)),
  ];
}

/** @param {number} place */
const worded = (place) => `${named(place)} with volatility ${rises(place) ? "up" : "down"}`;

/**
 * @param {(value: number) => number} y
 * @param {number} value
 * @param {number} left
 * @param {number} slot
 * @param {string} mood
 * @param {string} title
 */
function bar(y, value, left, slot, mood, title) {
  const height = Math.max(1, Math.abs(y(value) - y(0)));
  const top = Math.min(y(value), y(0));
  const place = { x: left + slot * 0.12, y: top, width: slot * 0.76, height };
  return s("rect", { class: mood, ...place }, s("title", {}, title));
}

/** Move and volatility below a bar, where there is room. @param {number} place @param {number} order @param {number} left @param {number} slot */
function names(place, order, left, slot) {
  const every = Math.ceil(LABEL_WIDTH / slot);
  if ((place >= CORE ? order - CORE : order) % every !== 0) return null;
  if (place < CORE && CORE + 1 - order < every) return null; // the first tail's are next to it
  const x = left + slot / 2;
  const at = x < LABEL_WIDTH / 2 ? { x: 0, "text-anchor": "start" } : { x, "text-anchor": "middle" };
  return [
    s("text", { ...at, y: HEIGHT - BELOW + 16 }, named(place)),
    s("text", { ...at, y: HEIGHT - BELOW + 31 }, rises(place) ? "σ↑" : "σ↓"),
  ];
}

/** @param {string[]} pnl */
function asTable(pnl) {
  const rows = ORDER.map((place) => [
    named(place),
    rises(place) ? "up" : "down",
    place >= CORE ? "tail" : "core",
    gain(pnl[place]),
  ]);
  return table([["Price"], ["Volatility"], ["Kind"], ["Gain or loss, USD", "right"]], rows);
}
