/** One block: where it comes from, how far it is, and its transactions. */

import { h } from "../dom.js";
import { doing, heads, hex, lookup, names, stage, STAGE_MOODS } from "../chain.js";
import { ago } from "../live.js";
import {
  addressLink,
  badge,
  blockLink,
  facts,
  head,
  sheet,
  table,
  txLink,
  whole as hashWhole,
} from "../parts.js";
import { count, ether, gwei, moment, num, whole } from "../format.js";
import { call, maybe } from "../rpc.js";

/** @param {string} name */
export const title = (name) => `Block ${name.length > 20 ? name.slice(0, 10) : name}`;

/** @param {string} name */
export async function load(name) {
  const found = name.startsWith("0x")
    ? call("eth_getBlockByHash", name, true)
    : call("eth_getBlockByNumber", hex(Number(name)), true);
  const [block, known, called] = await Promise.all([found, heads(), names()]);
  const info = block && (await maybe("rollup_blockInfo", block.number));
  return { block, heads: known, names: called, info };
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw({ block, heads, names, info }, page) {
  if (block === null) {
    return [
      head(`Block ${page.argument}`),
      h("p", { class: "soft" }, "There is no such block yet. The newest is ", blockLink(heads.unsafe), "."),
    ];
  }
  const number = num(block.number);
  const at = stage(number, heads);
  const turn = [
    number > 0 ? h("a", { class: "button", href: `#/blocks/${number - 1}` }, "Previous") : null,
    number < heads.unsafe ? h("a", { class: "button", href: `#/blocks/${number + 1}` }, "Next") : null,
  ];
  return [
    head(`Block ${whole(number)}`, badge(at, STAGE_MOODS[at]), turn),
    h(
      "div",
      { class: "grid" },
      sheet("Header", headerFacts(block), { size: "half" }),
      sheet("On L1", originFacts(info), { size: "half" }),
      sheet(count(block.transactions.length, "transaction"), transactionTable(block, names), { flush: true }),
    ),
  ];
}

/** @param {any} block */
function headerFacts(block) {
  return facts([
    ["Made", [moment(num(block.timestamp)), " · ", ago(num(block.timestamp))]],
    ["Hash", hashWhole(block.hash)],
    ["Parent", h("a", { href: `#/blocks/${block.parentHash}`, class: "mono" }, block.parentHash)],
    ["State root", hashWhole(block.stateRoot)],
    ["Gas", `${whole(num(block.gasUsed))} of ${whole(num(block.gasLimit))}`],
    ["Base fee", gwei(block.baseFeePerGas)],
    ["Size", `${whole(num(block.size))} bytes`],
  ]);
}

/** @param {any} info */
function originFacts(info) {
  if (info === null) return h("p", { class: "soft" }, "This node doesn't know where the block comes from.");
  const { batch, l1, origin } = info;
  return facts([
    [
      "Origin",
      l1
        ? [`item ${num(origin.originItem)}, L1 block ${whole(num(l1.l1Number))} · `, ago(num(l1.l1Time))]
        : `item ${num(origin.originItem)}`,
    ],
    ["Place in its origin", whole(num(origin.sequenceNumber))],
    [
      batch?.kind === "tick" ? "Tick" : "Batch",
      batch
        ? [
            `item ${num(batch.index)}, ${whole(num(batch.size))} bytes, L1 block ${whole(num(batch.l1Number))} · `,
            ago(num(batch.l1Time)),
          ]
        : "not posted yet",
    ],
    ["Output root", info.outputRoot ? hashWhole(info.outputRoot) : "none before L1 has the block"],
  ]);
}

/** @param {any} block @param {import("../chain.js").Names} names */
function transactionTable(block, names) {
  const rows = block.transactions.map((/** @type {any} */ one) => [
    txLink(one.hash),
    doing(names, one),
    addressLink(one.from, lookup(names.contracts, one.from)),
    one.to ? addressLink(one.to, lookup(names.contracts, one.to)) : "new contract",
    BigInt(one.value) === 0n ? "" : ether(one.value),
  ]);
  return table([["Transaction"], ["Does"], ["From", "wide"], ["To", "wide"], ["Ether", "right wide"]], rows, {
    none: "The genesis block has none.",
  });
}
