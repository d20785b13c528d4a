/** One transaction: what it did, decoded as far as the node knows the contract. */

import { h } from "../dom.js";
import {
  decodeCall,
  decodeLog,
  heads,
  lookup,
  names,
  printable,
  revertReason,
  stage,
  STAGE_MOODS,
} from "../chain.js";
import { ago } from "../live.js";
import { addressLink, badge, blockLink, facts, head, sheet, whole as hashWhole } from "../parts.js";
import { count, ether, gwei, num, short, whole } from "../format.js";
import { call, maybe } from "../rpc.js";

const TYPES = /** @type {Record<string, string>} */ ({
  "0x0": "legacy",
  "0x1": "with access list",
  "0x2": "with base fee",
  "0x7e": "deposit from L1",
});
const DEPTH_MAX = 24;
/** Calls may be nested a thousand deep; nobody reads so far. */
const CALLS_MAX = 400;

/** @param {string} hash */
export const title = (hash) => `Transaction ${short(hash)}`;

/** @param {string} hash */
export async function load(hash) {
  const [transaction, receipt, known, called] = await Promise.all([
    call("eth_getTransactionByHash", hash),
    call("eth_getTransactionReceipt", hash),
    heads(),
    names(),
  ]);
  const block = receipt && (await call("eth_getBlockByNumber", receipt.blockNumber, false));
  const trace = receipt && (await maybe("debug_traceTransaction", hash, { tracer: "callTracer" }));
  return { transaction, receipt, heads: known, names: called, block, trace };
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw(seen, page) {
  const { transaction, receipt, names, trace } = seen;
  if (transaction === null) return [head("Unknown transaction"), h("p", { class: "mono" }, page.argument)];
  const logs = receipt?.logs ?? [];
  return [
    head("Transaction", outcome(receipt)),
    h(
      "div",
      { class: "grid" },
      sheet("What happened", summary(seen)),
      sheet("Input", input(names, transaction)),
      isTree(trace)
        ? sheet("Calls", h("ul", { class: "tree" }, tree(names, trace, 0, { left: CALLS_MAX })))
        : null,
      receipt
        ? sheet(
            count(logs.length, "event"),
            logs.length
              ? logs.map((/** @type {any} */ log) => event(names, log))
              : h("p", { class: "soft" }, "None."),
          )
        : null,
    ),
  ];
}

/** @param {any} receipt */
function outcome(receipt) {
  if (receipt === null) return badge("waits in the pool", "warn");
  return receipt.status === "0x1" ? badge("succeeded", "good") : badge("failed", "bad");
}

/** @param {any} seen */
function summary({ transaction, receipt, heads, names, block, trace }) {
  const number = receipt && num(receipt.blockNumber);
  const at = receipt && stage(number, heads);
  const failure = receipt?.status === "0x0" && trace?.error ? failureWords(names, trace) : null;
  return facts([
    ["Hash", hashWhole(transaction.hash)],
    receipt && [
      "Block",
      [blockLink(number), " · ", ago(num(block.timestamp)), " · ", badge(at, STAGE_MOODS[at])],
    ],
    failure ? ["Why it failed", h("strong", {}, failure)] : null,
    ["From", addressLink(transaction.from, lookup(names.contracts, transaction.from) ?? transaction.from)],
    ["To", to(names, transaction, receipt)],
    ["Ether", ether(transaction.value)],
    receipt && ["Gas", `${whole(num(receipt.gasUsed))} of ${whole(num(transaction.gas))}`],
    receipt && ["Price of gas", gwei(receipt.effectiveGasPrice)],
    ["Kind", TYPES[transaction.type] ?? transaction.type],
    ["Nonce", whole(num(transaction.nonce ?? "0x0"))],
  ]);
}

/** @param {import("../chain.js").Names} names @param {any} transaction @param {any} receipt */
function to(names, transaction, receipt) {
  if (transaction.to !== null)
    return addressLink(transaction.to, lookup(names.contracts, transaction.to) ?? transaction.to);
  return receipt?.contractAddress ? ["new contract ", addressLink(receipt.contractAddress)] : "new contract";
}

/** @param {import("../chain.js").Names} names @param {any} transaction */
function input(names, { input }) {
  if (input === "0x") return h("p", { class: "soft" }, "None: it only sends ether.");
  const called = decodeCall(names, input);
  const words = called === null ? printable(input) : null;
  return h(
    "div",
    { class: "stack" },
    called
      ? h(
          "div",
          {},
          h("h3", {}, h("code", {}, called.name)),
          called.arguments === null
            ? h("p", { class: "soft" }, "Its arguments don't fit the function's types.")
            : values(names, called.arguments),
        )
      : null,
    words === null ? null : h("pre", {}, words),
    h(
      "details",
      { open: called === null && words === null },
      h("summary", {}, `${whole((input.length - 2) / 2)} bytes as they are`),
      h("pre", { tabindex: "0" }, input),
    ),
  );
}

/** @param {import("../chain.js").Names} names @param {import("../abi.js").Argument[]} list @returns {HTMLElement} */
function values(names, list) {
  if (list.length === 0) return h("p", { class: "soft" }, "No arguments.");
  return h(
    "ul",
    { class: "tree" },
    list.map((one, place) => {
      const key = h("span", { class: "key" }, one.name || String(place));
      if (Array.isArray(one.value))
        return h("li", {}, key, one.value.length === 0 ? "empty" : values(names, one.value));
      return h("li", {}, key, value(names, one));
    }),
  );
}

/** @param {import("../chain.js").Names} names @param {import("../abi.js").Argument} one */
function value(names, { type, value }) {
  if (type === "address") return addressLink(value, lookup(names.contracts, value));
  const words = typeof value === "bigint" ? whole(value) : String(value);
  return h("span", { class: type.startsWith("bytes") ? "mono" : null }, words);
}

/** @param {import("../chain.js").Names} names @param {any} log */
function event(names, log) {
  const found = decodeLog(names, log);
  const where = addressLink(log.address, lookup(names.contracts, log.address));
  if (found?.arguments)
    return h(
      "div",
      { class: "event" },
      h("h3", {}, found.name, " "),
      h("small", {}, "of ", where),
      values(names, found.arguments),
    );
  return h(
    "div",
    { class: "event" },
    h("h3", {}, found?.name ?? "unknown event"),
    h("small", {}, "of ", where),
    h(
      "ul",
      { class: "tree" },
      log.topics.map((/** @type {string} */ topic, /** @type {number} */ at) =>
        h("li", {}, h("span", { class: "key" }, `topic ${at}`), h("span", { class: "mono" }, topic)),
      ),
    ),
    log.data === "0x" ? null : h("pre", {}, log.data),
  );
}

/** Whether an answer is a tree of calls as callTracer gives it. @param {any} trace */
const isTree = (trace) => trace !== null && typeof trace?.type === "string";

/** @param {import("../chain.js").Names} names @param {any} trace */
function failureWords(names, trace) {
  return (
    trace.revertReason ??
    (trace.output && trace.output !== "0x" ? revertReason(names, trace.output) : trace.error)
  );
}

const PRECOMPILE = /^0x0{38}[0-9a-f]{2}$/;

/** What a call does: the function's name, as far as it is known. @param {import("../chain.js").Names} names @param {any} one */
function doingOf(names, one) {
  if (one.type.startsWith("CREATE")) return "creation";
  if (PRECOMPILE.test(one.to ?? "")) return "precompile";
  if (!one.input || one.input === "0x") return "ether";
  return decodeCall(names, one.input)?.name ?? one.input.slice(0, 10);
}

/** @param {import("../chain.js").Names} names @param {any} one @param {number} depth @param {{left: number}} budget @returns {HTMLElement | null} */
function tree(names, one, depth, budget) {
  if (budget.left-- <= 0 || depth > DEPTH_MAX) return null;
  return h(
    "li",
    {},
    badge(one.type.toLowerCase(), one.error ? "bad" : ""),
    " ",
    one.to ? addressLink(one.to, lookup(names.contracts, one.to)) : "",
    " ",
    h("code", {}, doingOf(names, one)),
    " ",
    h("small", { class: "soft" }, `${whole(num(one.gasUsed ?? "0x0"))} gas`),
    one.value && BigInt(one.value) !== 0n ? h("small", {}, ` · ${ether(one.value)}`) : null,
    one.error ? h("small", { class: "down" }, ` · ${failureWords(names, one)}`) : null,
    one.calls?.length
      ? h(
          "ul",
          { class: "tree" },
          one.calls.map((/** @type {any} */ each) => tree(names, each, depth + 1, budget)),
        )
      : null,
  );
}
