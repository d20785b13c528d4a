/**
 * A dispute as the bisection that it is: one row a claim, each row the interval that is in doubt, its
 * half that is left magnified into the next row. The last row is one step of the machine.
 */

import { s } from "../dom.js";
import { num } from "../format.js";
import { paper } from "./axes.js";

const ROW = 17;
const GAP = 9;
const TOP = 22;

/** Claims on the way from the root to the deepest one, the newest where there are several. @param {any[]} claims */
export function longestPath(claims) {
  let deepest = claims[0];
  for (const one of claims) if (num(one.depth) >= num(deepest.depth)) deepest = one;
  const path = [];
  for (
    let one = deepest;
    one !== undefined;
    one = one.parentIndex === null ? undefined : claims[num(one.parentIndex)]
  )
    path.unshift(one);
  return path;
}

/** Whose claims stand at a depth: they take turns. @param {any} claim */
export const sideOf = (claim) => (num(claim.depth) % 2 === 0 ? "defender" : "challenger");

/** How many steps are in doubt after a claim. @param {any} claim */
export const stepsInDoubt = (claim) =>
  claim.inDoubt === null ? null : BigInt(claim.inDoubt.lastStep) - BigInt(claim.inDoubt.firstStep) + 1n;

/**
 * @param {any} dispute
 * @param {number} width
 */
export function bisectionChart(dispute, width) {
  const path = longestPath(dispute.claims).slice(1);
  const isNarrow = width < 560;
  const left = isNarrow ? 30 : 62;
  const bar = width - left - (isNarrow ? 4 : 230);
  const rows = path.map((claim, place) => row(claim, path[place + 1], place, { left, bar, width, isNarrow }));
  const height = TOP + path.length * (ROW + GAP) + (dispute.step ? 34 : 8);
  const end = dispute.step ? stepMark(left, bar, TOP + path.length * (ROW + GAP)) : null;
  const deepest = path.at(-1);
  const label =
    deepest === undefined
      ? "Nobody has answered the root claim."
      : `${path.length} answers. In doubt now: ${deepest.inDoubt.words}.${dispute.step ? " L1 executed the last step." : ""}`;
  return paper(
    width,
    height,
    label,
    [
      s(
        "text",
        { x: left, y: 12 },
        isNarrow ? "what is in doubt" : "what is in doubt, each row the half that is left of the one above",
      ),
      rows,
      end,
    ],
    "bisection",
  );
}

/** @param {any} claim @param {any} next @param {number} place @param {{left: number, bar: number, width: number, isNarrow: boolean}} frame */
function row(claim, next, place, { left, bar, width, isNarrow }) {
  const y = TOP + place * (ROW + GAP);
  // The next claim halves the left half where it attacks this one, and the right half where it defends.
  const half = next === undefined ? null : next.isAttack ? 0 : bar / 2;
  const title = `Claim ${num(claim.index)} by the ${sideOf(claim)}, depth ${num(claim.depth)}: ${claim.inDoubt.words}`;
  return s(
    "g",
    {},
    s("title", {}, title),
    s("text", { x: left - 8, y: y + ROW - 4, "text-anchor": "end" }, String(num(claim.depth))),
    s("rect", { class: "doubt", x: left, y, width: bar, height: ROW, rx: 3 }),
    half === null
      ? null
      : s("rect", { class: sideOf(claim), x: left + half, y, width: bar / 2, height: ROW, rx: 3 }),
    half === null
      ? null
      : s("polygon", {
          class: "zoom",
          points: `${left + half},${y + ROW} ${left + half + bar / 2},${y + ROW} ${left + bar},${y + ROW + GAP} ${left},${y + ROW + GAP}`,
        }),
    s("rect", { class: sideOf(claim), x: left + bar / 2 - 1.5, y: y - 2, width: 3, height: ROW + 4 }),
    isNarrow
      ? null
      : s(
          "text",
          { x: left + bar + 10, y: y + ROW - 4 },
          clipped(claim.inDoubt.words, width - left - bar - 14),
        ),
  );
}

/** @param {string} words @param {number} room */
function clipped(words, room) {
  const most = Math.floor(room / 6);
  return words.length > most ? `${words.slice(0, most - 1)}…` : words;
}

/** @param {number} left @param {number} bar @param {number} y */
function stepMark(left, bar, y) {
  return [
    s("rect", { class: "verdict-step", x: left + bar / 2 - 7, y: y + 2, width: 14, height: 14, rx: 2 }),
    s(
      "text",
      { class: "label", x: left + bar / 2, y: y + 31, "text-anchor": "middle" },
      "L1 executes one step",
    ),
  ];
}
