/**
 * Whether the rollup is well: everything that is wrong or needs watching, in words. The page's first
 * screen says nothing else first.
 */

import { chainNow } from "./live.js";
import { marketName } from "./chain.js";
import { num, span, usd } from "./format.js";

/** @typedef {{mood: "warn" | "bad", words: string, place?: string}} Trouble */

const BLOCK_SECONDS_MAX = 30;
/** A sequencer makes a block every few seconds; after so many something holds it up. */
const SAFE_SECONDS_MAX = 600;
/** Batches are posted every few seconds on a devnet and every few minutes elsewhere. */
const UNCHECKED_BLOCKS_MAX = 10;
/** As in the alarm that docs/monitor.md proposes. */

/**
 * @param {{heads: any, block: any, safeBlock: any, proposals: any, monitor: any, names: import("./chain.js").Names}} seen
 * @returns {Trouble[]}
 */
export function troubles(seen) {
  return [
    ...chainTroubles(seen),
    ...rootTroubles(seen.proposals),
    ...(seen.monitor ? houseTroubles(seen.monitor, seen.names, seen.heads.unsafe) : []),
  ];
}

/** @param {any} seen @returns {Trouble[]} */
function chainTroubles({ heads, block, safeBlock }) {
  const found = /** @type {Trouble[]} */ ([]);
  if (heads.l1?.trouble) found.push({ mood: "bad", words: heads.l1.trouble });
  else if (heads.l1 && !heads.l1.isSynced)
    found.push({ mood: "warn", words: "This node is still reading L1." });
  const age = chainNow() - num(block.timestamp);
  if (age > BLOCK_SECONDS_MAX)
    found.push({ mood: "bad", words: `No block for ${span(age)}.`, place: "#/blocks" });
  const lag = num(block.timestamp) - num(safeBlock.timestamp);
  if (lag > SAFE_SECONDS_MAX) {
    found.push({ mood: "warn", words: `What L1 holds is ${span(lag)} behind: batches may not arrive.` });
  }
  return found;
}

/** @param {any} roots @returns {Trouble[]} */
function rootTroubles(roots) {
  if (!roots) return [];
  return roots.proposals.flatMap((/** @type {any} */ one) => {
    const place = `#/roots/${one.game}`;
    const block = num(one.l2Block);
    if (one.status !== "in_progress") {
      const isWrong = (one.status === "defender_wins") !== one.isRight && one.isRight !== null;
      return isWrong
        ? [{ mood: "bad", words: `L1 settled block ${block} against what this node derives.`, place }]
        : [];
    }
    const isDisputed = num(one.claims) > 1;
    if (one.isRight === false && !isDisputed) {
      return [
        { mood: "bad", words: `A wrong root of block ${block} is proposed and nobody disputes it.`, place },
      ];
    }
    if (isDisputed) return [{ mood: "warn", words: disputeWords(one, block), place }];
    return [];
  });
}

/** @param {any} one @param {number} block */
function disputeWords(one, block) {
  if (one.isRight === false) return `A wrong root of block ${block} is being disputed.`;
  return one.isRight
    ? `The right root of block ${block} is under attack.`
    : `The root of block ${block} is disputed.`;
}

/** @param {any} monitor @param {import("./chain.js").Names} names @param {number} head @returns {Trouble[]} */
function houseTroubles(monitor, names, head) {
  const found = /** @type {Trouble[]} */ ([]);
  const place = "#/safety";
  const { checks } = monitor;
  if (checks.violations > 0)
    found.push({ mood: "bad", words: `${checks.violations} invariants of the books are broken.`, place });
  if (checks.accepted > 0)
    found.push({
      mood: "warn",
      words: `${checks.accepted} broken invariants are passed over by the operator.`,
      place,
    });
  if (checks.lastBlock !== null && head - checks.lastBlock > UNCHECKED_BLOCKS_MAX) {
    found.push({ mood: "warn", words: `The monitor is ${head - checks.lastBlock} blocks behind.`, place });
  }
  if (!monitor.withdrawalsOpen)
    found.push({ mood: "bad", words: "Bad debt exceeds the insurance: withdrawals are closed.", place });
  else if (BigInt(monitor.reportedDebtQ6) > 0n)
    found.push({ mood: "warn", words: `Bad debt of ${usd(monitor.reportedDebtQ6)} USD is reported.`, place });
  if (monitor.isPaused) found.push({ mood: "warn", words: "Trading is paused: fills only reduce.", place });
  return [
    ...found,
    ...monitor.markets.flatMap((/** @type {any} */ one) => marketTroubles(one, names, place)),
  ];
}

/** @param {any} one @param {import("./chain.js").Names} names @param {string} place @returns {Trouble[]} */
function marketTroubles(one, names, place) {
  const name = marketName(names, one.market);
  const found = /** @type {Trouble[]} */ ([]);
  if (one.status === "halted") found.push({ mood: "bad", words: `${name} is halted.`, place });
  if (one.status === "reduce_only")
    found.push({ mood: "warn", words: `${name} only takes what reduces.`, place });
  if (one.isPaused)
    found.push({ mood: "warn", words: `${name} is paused after a jump of its price.`, place });
  if (one.isStale)
    found.push({
      mood: "warn",
      words: `${name} has had no price for more than ${span(one.staleSeconds)}.`,
      place,
    });
  return found;
}
