/** One game about an output root, drawn as the bisection that it is. */

import { h } from "../dom.js";
import { bisectionChart, longestPath, sideOf, stepsInDoubt } from "../charts/bisection.js";
import { chainNow, until } from "../live.js";
import { badge, blockLink, facts, hash, head, sheet, table, whole as hashWhole } from "../parts.js";
import { count, ether, moment, num, short, span, whole } from "../format.js";
import { call } from "../rpc.js";
import { lifeBadge, rightBadge } from "./roots.js";

const PADDING = 38;

/** L1 is read every few seconds at the most. */
export const seconds = 2;

/** @param {string} name */
export const title = (name) => `Root ${short(name)}`;

/** @param {string} name */
export const load = (name) => call("rollup_getDispute", name);

/** @param {any} dispute @param {import("../routes.js").Page} page */
export function draw(dispute, page) {
  const summary = { ...dispute, claims: `0x${dispute.claims.length.toString(16)}` };
  return [
    head(`Output root of block ${whole(num(dispute.l2Block))}`, [
      lifeBadge(summary),
      " ",
      rightBadge(dispute),
    ]),
    h(
      "div",
      { class: "grid" },
      h("div", {}, sides(dispute)),
      sheet("The bisection", bisection(dispute, page), { aside: count(dispute.claims.length, "claim") }),
      sheet("What it is about", about(dispute), { size: dispute.step ? "half" : "" }),
      dispute.step ? sheet("The step in the end", step(dispute), { size: "half" }) : null,
      sheet("Claims", claimTable(dispute), { flush: true }),
    ),
  ];
}

/** Claims that can still be answered, each by the side that didn't make it. @param {any} dispute */
function openClaims({ status, claims }) {
  if (status !== "in_progress") return [];
  const answered = new Set(claims.map((/** @type {any} */ one) => one.parentIndex));
  return claims.filter(
    (/** @type {any} */ one) =>
      !answered.has(one.index) && one.counteredBy === null && !one.isResolved && num(one.secondsLeft) > 0,
  );
}

/** @param {any} dispute */
function sides(dispute) {
  const open = openClaims(dispute);
  return h(
    "div",
    { class: "sides" },
    ["defender", "challenger"].map((name) => {
      const own = dispute.claims.filter((/** @type {any} */ one) => sideOf(one) === name);
      const toAnswer = open.filter((/** @type {any} */ one) => sideOf(one) !== name);
      const last = own.at(-1);
      const staked = own.reduce(
        (/** @type {bigint} */ sum, /** @type {any} */ one) => sum + BigInt(one.bond),
        0n,
      );
      return h(
        "section",
        { class: `side ${name}`, "aria-label": name },
        h("h2", {}, name === "defender" ? "Says the root is right" : "Says it is wrong"),
        h("div", { class: "clock" }, clock(dispute, toAnswer, name)),
        h(
          "p",
          { class: "soft" },
          last
            ? [hash(last.claimant), ` · ${count(own.length, "claim")} · ${ether(staked)} at stake`]
            : "nobody yet",
        ),
      );
    }),
  );
}

/** @param {any} dispute @param {any[]} toAnswer @param {string} name */
function clock(dispute, toAnswer, name) {
  if (dispute.status !== "in_progress") {
    const won = (dispute.status === "defender_wins") === (name === "defender");
    return h("span", { class: won ? "up" : "down" }, won ? "won" : "lost");
  }
  if (toAnswer.length === 0) return h("span", { class: "soft" }, "has moved");
  const least = toAnswer.reduce((most, one) => Math.min(most, num(one.secondsLeft)), Infinity);
  return [until(num(dispute.readAt) + least, "no time left"), h("small", { class: "soft" }, " to answer")];
}

/** @param {any} dispute @param {import("../routes.js").Page} page */
function bisection(dispute, page) {
  if (dispute.claims.length === 1)
    return h("p", { class: "soft" }, "Nobody has answered the root claim. ", waiting(dispute));
  const path = longestPath(dispute.claims);
  const left = stepsInDoubt(path.at(-1));
  return [
    h(
      "p",
      {},
      `${whole(2n ** BigInt(dispute.maxDepth))} steps were in doubt at first, ${left === null ? "all of them" : whole(left)} are now: `,
      h("strong", {}, path.at(-1).inDoubt.words),
      ".",
    ),
    bisectionChart(dispute, page.width - PADDING),
    h(
      "div",
      { class: "legend" },
      h("span", { class: "series-0" }, "half left by the defender's claim"),
      h("span", { class: "series-1" }, "half left by the challenger's claim"),
    ),
  ];
}

/** @param {any} dispute */
function waiting(dispute) {
  if (dispute.status !== "in_progress") return "It was settled unopposed.";
  const end = num(dispute.createdAt) + num(dispute.clockSeconds);
  return ["It may be settled in ", until(end, "a moment: its time is over"), "."];
}

/** @param {any} dispute */
function about(dispute) {
  return facts([
    ["Game", hashWhole(dispute.game)],
    ["Output root", hashWhole(dispute.outputRoot)],
    ["Of block", blockLink(num(dispute.l2Block))],
    ["Proposed", [moment(num(dispute.createdAt)), " by ", hash(dispute.proposer)]],
    [
      "Starts from",
      [
        "block ",
        blockLink(num(dispute.anchorBlock)),
        " · ",
        h("span", { class: "mono" }, short(dispute.anchorRoot)),
      ],
    ],
    ["Derived from", count(num(dispute.inboxCount), "inbox item")],
    [
      "Clock of a side",
      `${span(num(dispute.clockSeconds))}, and ${span(num(dispute.clockExtensionSeconds))} more for an answer at the end`,
    ],
    dispute.resolvedAt ? ["Over since", moment(num(dispute.resolvedAt))] : null,
  ]);
}

/** @param {any} dispute */
function step({ step, claims }) {
  const leaf = claims[num(step.claimIndex)];
  return facts([
    ["Place", step.inDoubt.words],
    ["Refuted", `claim ${num(step.claimIndex)}, made by the ${sideOf(leaf)}`],
    ["Its state", hashWhole(leaf.claim)],
    ["Executed for", hash(step.by)],
    ["Look closer", h("code", {}, "tallystick prove-step")],
  ]);
}

/** @param {any} dispute */
function claimTable(dispute) {
  const rows = dispute.claims.map((/** @type {any} */ one) => [
    String(num(one.index)),
    one.parentIndex === null ? "" : String(num(one.parentIndex)),
    one.isAttack === null ? "root" : one.isAttack ? "attack" : "defence",
    String(num(one.depth)),
    hash(one.claimant),
    ether(one.bond),
    clockOf(dispute, one),
    state(one),
    one.inDoubt?.words ?? "all of it",
    h("span", { class: "mono", title: one.claim }, short(one.claim)),
  ]);
  return table(
    [
      ["#", "right"],
      ["Answers", "right wide"],
      ["Move"],
      ["Depth", "right"],
      ["By"],
      ["Bond", "right wide"],
      ["Clock", "right wide"],
      ["State"],
      ["In doubt", "wide"],
      ["Says", "wide"],
    ],
    rows,
  );
}

/** @param {any} dispute @param {any} claim */
function clockOf(dispute, claim) {
  if (claim.isResolved || dispute.status !== "in_progress") return "over";
  const left = num(claim.secondsLeft) - (chainNow() - num(dispute.readAt));
  return left > 0 ? span(left) : "over";
}

/** @param {any} claim */
function state(claim) {
  if (claim.counteredBy !== null) return badge("countered", "bad");
  return claim.isResolved ? badge("stands", "good") : badge("open");
}
