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

/** @param {string[]} pnl @param {number} width */
export function scenarioChart(pnl, width) {
  const values = pnl.map((one) => drawn(one, 6));
  const worst = values.indexOf(Math.min(...values));
  const [low, high] = extent([0, ...values]);
  const right = width - RIGHT;
  const y = scale(low, high, HEIGHT - BELOW, 10);
  const slot = right / (ORDER.length + 1);
  const bars = ORDER.map((place, order) => {
    const left = slot * (order + (place >= CORE ? 1 : 0));
    const top = Math.min(y(values[place]), y(0));
    const mood = values[place] >= 0 ? "gain" : place === worst ? "worst" : "loss";
    const isLabelled = order % (slot < 22 ? 4 : slot < 34 ? 2 : 1) === 0;
    return [
      s(
        "rect",
        {
          class: mood,
          x: left + slot * 0.12,
          y: top,
          width: slot * 0.76,
          height: Math.max(1, Math.abs(y(values[place]) - y(0))),
        },
        s(
          "title",
          {},
          `${named(place)}, volatility ${rises(place) ? "up" : "down"}: ${gain(pnl[place])} USD`,
        ),
      ),
      isLabelled
        ? s("text", { x: left + slot / 2, y: HEIGHT - BELOW + 16, "text-anchor": "middle" }, named(place))
        : null,
      isLabelled && slot >= 16
        ? s(
            "text",
            { x: left + slot / 2, y: HEIGHT - BELOW + 31, "text-anchor": "middle" },
            rises(place) ? "σ↑" : "σ↓",
          )
        : null,
    ];
  });
  const label = `Gain or loss in 24 scenarios. The worst is ${named(worst)} with volatility ${rises(worst) ? "up" : "down"}: ${gain(pnl[worst])} USD.`;
  const say = (/** @type {number} */ value) => brief(BigInt(Math.round(value * 1e6)));
  const drawing = paper(width, HEIGHT, label, [
    rules(ticks(low, high, 4), y, right, width, say),
    s("line", { class: "zero", x1: 0, x2: right, y1: y(0), y2: y(0) }),
    bars,
  ]);
  return [
    drawing,
    h("p", { class: "soft" }, label),
    h("details", {}, h("summary", {}, "All 24 as a table"), asTable(pnl)),
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
