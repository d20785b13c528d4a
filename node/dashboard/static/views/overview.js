/** The first screen: whether the rollup is well, and how far everything has come. */

import { h } from "../dom.js";
import { blocksBelow, doing, heads, hex, marketName, names } from "../chain.js";
import { rail } from "../charts/rail.js";
import { ago, until } from "../live.js";
import { blockLink, facts, sheet, sign, table, txLink } from "../parts.js";
import { ether, gwei, num, price, size, whole } from "../format.js";
import { call, maybe, within } from "../rpc.js";
import { troubles } from "../wellness.js";
import { lifeBadge, rightBadge } from "./roots.js";

const BLOCKS = 8;
const PROPOSALS = 16;
const TRANSACTIONS = 8;
const ROOTS_MILLISECONDS_MAX = 1500;
/** Then the view is drawn with the roots as they were: L1 may be slow, and the rest isn't. */

/** The newest proposals, as far as they were read. @type {any} */
let proposed = null;

async function roots() {
  proposed = await maybe("rollup_getProposals", hex(PROPOSALS));
  return proposed;
}

export const title = () => "Overview";

export async function load() {
  const known = await heads();
  const [blocks, safeBlock, proposals, monitor, markets, batch, called] = await Promise.all([
    blocksBelow(known.unsafe, BLOCKS),
    call("eth_getBlockByNumber", hex(known.safe), false),
    within(roots(), ROOTS_MILLISECONDS_MAX, proposed),
    maybe("rollup_getMonitor"),
    maybe("margin_getMarkets"),
    maybe("rollup_blockInfo", hex(known.safe)),
    names(),
  ]);
  const newest = await call("eth_getBlockByNumber", hex(known.unsafe), true);
  return {
    heads: known,
    blocks,
    block: newest ?? blocks[0],
    safeBlock,
    proposals,
    monitor,
    markets,
    batch,
    names: called,
  };
}

/** @param {any} seen */
export function draw(seen) {
  return [
    verdict(seen),
    h(
      "div",
      { class: "grid" },
      sheet("The way of a block", way(seen), { aside: clocks(seen), size: "two-thirds" }),
      sheet("L1", l1Facts(seen), { size: "third" }),
      sheet("Newest blocks", blockTable(seen), {
        aside: h("a", { href: "#/blocks" }, "All blocks"),
        flush: true,
        size: "half",
      }),
      sheet("Newest output roots", rootTable(seen), {
        aside: h("a", { href: "#/roots" }, "All roots"),
        flush: true,
        size: "half",
      }),
      sheet("Markets", marketTable(seen), {
        aside: h("a", { href: "#/markets" }, "All markets"),
        flush: true,
        size: "half",
      }),
      sheet("The newest block's transactions", transactionTable(seen), { flush: true, size: "half" }),
    ),
  ];
}

/** @param {any} seen */
function verdict(seen) {
  const found = troubles(seen);
  const mood = found.some((one) => one.mood === "bad") ? "bad" : found.length > 0 ? "warn" : "good";
  const words = {
    good: "The rollup is well",
    warn: "The rollup works, and somebody should look",
    bad: "Something is wrong",
  }[mood];
  const below =
    mood === "good"
      ? h("p", { class: "soft" }, wellWords(seen))
      : h(
          "ul",
          {},
          found.map((one) =>
            h("li", { class: one.mood }, one.place ? h("a", { href: one.place }, one.words) : one.words),
          ),
        );
  return h(
    "section",
    { class: `verdict ${mood}`, "aria-label": "Verdict" },
    sign(mood),
    h("div", {}, h("h1", {}, words), below),
  );
}

/** @param {any} seen */
function wellWords({ monitor }) {
  const books = monitor?.checks.lastBlock
    ? `The books are checked up to block ${whole(monitor.checks.lastBlock)}. `
    : "";
  return `Blocks come, L1 has them, no root is disputed. ${books}Withdrawals are open.`;
}

/** @param {any} seen */
function clocks({ block }) {
  return ["newest block ", ago(num(block.timestamp))];
}

/** @param {any} seen */
function way({ heads, proposals }) {
  const { unsafe, safe, finalized } = heads;
  const anchor = proposals ? num(proposals.anchor.l2Block) : null;
  const pending = proposals?.proposals.findLast((/** @type {any} */ one) => one.status === "in_progress");
  const next = pending
    ? [
        `block ${num(pending.l2Block)}, `,
        num(pending.claims) > 1 ? "disputed" : until(num(pending.resolvableAt), "due"),
      ]
    : "none waits";
  return rail([
    { name: "Sequenced", number: unsafe, below: "the sequencer's word" },
    { name: "On L1", number: safe, below: `${whole(unsafe - safe)} behind` },
    { name: "Final on L1", number: finalized, below: `${whole(unsafe - finalized)} behind` },
    { name: "Settled root", number: anchor, below: ["next: ", next] },
  ]);
}

/** @param {any} seen */
function l1Facts({ heads: { l1, sync }, batch }) {
  const posted = batch?.batch;
  return facts([
    ["Head", l1?.head ? [whole(num(l1.head.number)), " · ", ago(num(l1.head.timestamp))] : "unknown"],
    ["Base fee", l1?.baseFeePerGas ? gwei(l1.baseFeePerGas) : "unknown"],
    ["Inbox items", whole(num(sync.items))],
    [
      "Newest batch",
      posted
        ? [`item ${num(posted.index)}, ${whole(num(posted.size))} bytes · `, ago(num(posted.l1Time))]
        : "none yet",
    ],
    ["Endpoint", l1?.endpoint ?? "unknown"],
  ]);
}

/** @param {any} seen */
function blockTable({ blocks }) {
  const rows = blocks.map((/** @type {any} */ one) => [
    blockLink(num(one.number)),
    ago(num(one.timestamp)),
    one.transactions.length,
    `${((100 * num(one.gasUsed)) / num(one.gasLimit)).toFixed(1)}%`,
  ]);
  return table([["Block"], ["Made"], ["Txs", "right"], ["Gas", "right"]], rows, {
    keys: blocks.map((/** @type {any} */ one) => one.hash),
  });
}

/** @param {any} seen */
function rootTable({ proposals }) {
  const newest = proposals?.proposals.slice(0, BLOCKS) ?? [];
  const rows = newest.map((/** @type {any} */ one) => [
    h("a", { href: `#/roots/${one.game}` }, `block ${num(one.l2Block).toLocaleString("en")}`),
    lifeBadge(one),
    rightBadge(one),
  ]);
  return table([["Root of"], ["Life"], ["Root is"]], rows, {
    none: proposals ? "No root was proposed yet." : "L1 is being asked.",
  });
}

/** @param {any} seen */
function marketTable({ markets, names }) {
  const rows = (markets?.markets ?? []).map((/** @type {any} */ one) => [
    h("a", { href: `#/markets/${one.market}` }, marketName(names, one.market)),
    price(one.markP8),
    price(one.indexP8),
    size(one.openInterestS8),
  ]);
  return table([["Market"], ["Mark", "right"], ["Index", "right wide"], ["Open interest", "right"]], rows);
}

/** @param {any} seen */
function transactionTable({ block, names }) {
  const newest = block.transactions.slice(0, TRANSACTIONS);
  const rows = newest.map((/** @type {any} */ one) => [
    txLink(one.hash),
    doing(names, one),
    BigInt(one.value) === 0n ? "" : ether(one.value),
  ]);
  const more = block.transactions.length - newest.length;
  return [
    table([["Transaction"], ["Does"], ["Ether", "right"]], rows),
    more > 0 ? h("p", { class: "none" }, `and ${more} more in `, blockLink(num(block.number))) : null,
  ];
}
