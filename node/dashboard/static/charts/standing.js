/** An account's equity against what it must have: one bar with two marks. */

import { s } from "../dom.js";
import { drawn, usd } from "../format.js";
import { paper, scale } from "./axes.js";

const HEIGHT = 86;

/** @param {any} standing @param {number} width */
export function standingChart(standing, width) {
  const [equity, initial, maintenance] = [standing.equityQ6, standing.initialQ6, standing.maintenanceQ6].map(
    (one) => drawn(one, 6),
  );
  const most = Math.max(equity, initial * 1.25, 1);
  const x = scale(Math.min(0, equity), most, 0, width);
  const mood = equity < maintenance ? "var(--bad)" : equity < initial ? "var(--warn)" : "var(--good)";
  const marks =
    initial > 0
      ? [mark(x(maintenance), "maintenance", 76, width), mark(x(initial), "initial", 18, width)]
      : [];
  const label = `Equity ${usd(standing.equityQ6)} USD, initial margin ${usd(standing.initialQ6)} USD, maintenance margin ${usd(standing.maintenanceQ6)} USD.`;
  return paper(width, HEIGHT, label, [
    s("rect", { x: 0, y: 30, width, height: 26, rx: 6, fill: "var(--sunken)" }),
    s("rect", {
      x: Math.min(x(0), x(equity)),
      y: 30,
      width: Math.abs(x(equity) - x(0)),
      height: 26,
      rx: 6,
      fill: mood,
    }),
    marks,
  ]);
}

/** @param {number} x @param {string} words @param {number} y @param {number} width */
function mark(x, words, y, width) {
  const anchor = x > width - 90 ? "end" : x < 60 ? "start" : "middle";
  return [
    s("line", { class: "zero", x1: x, x2: x, y1: y < 40 ? 22 : 30, y2: y < 40 ? 56 : 64 }),
    s("text", { class: "label", x, y, "text-anchor": anchor }, words),
  ];
}
