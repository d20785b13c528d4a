/** Output roots on L1: each with its life, from proposal to payout. */

import { h } from "../dom.js";
import { chainNow, until } from "../live.js";
import { badge, blockLink, hash, head, sheet, table, tiles } from "../parts.js";
import { ether, num, whole } from "../format.js";
import { call } from "../rpc.js";

/** L1 is read every few seconds at the most. */
export const seconds = 3;

export const title = () => "Output roots";

export const load = () => call("rollup_getProposals", "0x20");

/** @param {any} seen */
export function draw({ l1, anchor, count, proposals }) {
  const running = proposals.filter((/** @type {any} */ one) => one.status === "in_progress");
  const disputed = running.filter((/** @type {any} */ one) => num(one.claims) > 1);
  const columns = /** @type {[string, string?][]} */ ([
    ["Root of"],
    ["Life"],
    ["Until"],
    ["Root is"],
    ["Output root", "wide"],
    ["Claims", "right wide"],
    ["Bond", "right wide"],
    ["Proposer", "wide"],
  ]);
  return [
    head("Output roots", `${whole(num(count))} proposed so far`),
    tiles([
      [
        "Settled up to",
        num(anchor.l2Block) === 0 ? "genesis" : blockLink(num(anchor.l2Block)),
        hash(anchor.outputRoot),
      ],
      ["Waiting", String(running.length - disputed.length), "for their clocks to run out"],
      ["Disputed", String(disputed.length), disputed.length ? "see below" : "nobody objects"],
      ["L1 block", whole(num(l1.number)), "that this is as of"],
    ]),
    sheet("Proposals", table(columns, proposals.map(row), { none: "No root was proposed yet." }), {
      aside: "newest first",
      flush: true,
    }),
  ];
}

/** @param {any} one */
function row(one) {
  return [
    h("a", { href: `#/roots/${one.game}` }, `block ${num(one.l2Block).toLocaleString("en")}`),
    lifeBadge(one),
    clock(one),
    rightBadge(one),
    hash(one.outputRoot),
    String(num(one.claims)),
    ether(one.bond),
    hash(one.proposer),
  ];
}

/** @param {any} one */
function clock(one) {
  if (one.status !== "in_progress") return "over";
  if (num(one.claims) > 1) return "a clock";
  const [start, end] = [num(one.createdAt), num(one.resolvableAt)];
  const share = Math.max(0, Math.min(1, (chainNow() - start) / (end - start)));
  return [
    until(end, "may be settled"),
    h("div", { class: "progress", "aria-hidden": "true" }, h("i", { vars: { share } })),
  ];
}

/** Where a root is in its life. @param {any} one */
export function lifeBadge(one) {
  if (one.status === "challenger_wins") return badge("refuted", "bad");
  if (one.status === "defender_wins") return badge("settled", "good");
  return num(one.claims) > 1 ? badge("disputed", "warn") : badge("proposed", "accent");
}

/** What this node derives of it. @param {any} one */
export function rightBadge({ isRight }) {
  if (isRight === null) return badge("not derived yet");
  return isRight ? badge("right", "good") : badge("wrong", "bad");
}
