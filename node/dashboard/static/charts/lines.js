/** A line over time, and a staircase for what holds until it changes. */

import { s } from "../dom.js";
import { clocks, extent, paper, rules, scale, ticks } from "./axes.js";

const HEIGHT = 190;
const RIGHT = 74;
const BELOW = 24;

/** @param {number[][]} points @param {(at: number) => number} x @param {(at: number) => number} y */
export function path(points, x, y) {
  return points.map(([at, value], place) => `${place === 0 ? "M" : "L"}${x(at)} ${y(value)}`).join("");
}

/** Points with a corner before each change. @param {number[][]} points */
export const steps = (points) =>
  points.flatMap(([at, value], place) =>
    place === 0
      ? [[at, value]]
      : [
          [at, points[place - 1][1]],
          [at, value],
        ],
  );

/**
 * Lines over time with zero drawn where it is in sight.
 * @param {{series: number[][][], label: string, say: (value: number) => string}} seen
 * @param {number} width
 */
export function lineChart({ series, label, say }, width) {
  const points = series.flat();
  const times = points.map(([at]) => at);
  const start = Math.min(...times);
  const end = Math.max(...times);
  if (!(end > start)) return null;
  const [low, high] = extent([0, ...points.map(([, value]) => value)], 0.12);
  const right = width - RIGHT;
  const x = scale(start, end, 0, right);
  const y = scale(low, high, HEIGHT - BELOW, 10);
  return paper(width, HEIGHT, label, [
    rules(ticks(low, high, 4), y, right, width, say),
    s("line", { class: "zero", x1: 0, x2: right, y1: y(0), y2: y(0) }),
    clocks(start, end, x, HEIGHT - 6, right),
    series.map((line, place) => s("path", { class: `series-${place}`, d: path(line, x, y) })),
  ]);
}
