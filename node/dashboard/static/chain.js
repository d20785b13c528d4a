/** What several views ask the node, and the names of contracts, functions and events. */

import { decodeArguments, decodeEvent, text } from "./abi.js";
import { call, maybe } from "./rpc.js";
import { num } from "./format.js";

/** @typedef {{name: string, inputs: import("./abi.js").Parameter[]}} Item */
/** @typedef {{contracts: Record<string, string>, functions: Record<string, Item>, events: Record<string, Item>, errors: Record<string, Item>, markets: Record<string, string>}} Names */

/** @type {Promise<Names> | undefined} */
let known;

/** The names, which the node computes from its contracts' ABI. @returns {Promise<Names>} */
export function names() {
  known ??= fetch("/dashboard/names.json").then((response) => response.json());
  known.catch(() => (known = undefined));
  return known;
}

/** What an input calls. @param {Names} names @param {string} input */
export function decodeCall(names, input) {
  const item = lookup(names.functions, input.slice(0, 10));
  return item && { name: item.name, arguments: decodeArguments(item.inputs, input.slice(10)) };
}

/** What a log says. @param {Names} names @param {{topics: string[], data: string}} log */
export function decodeLog(names, log) {
  const item = log.topics.length > 0 ? lookup(names.events, log.topics[0]) : null;
  return item && { name: item.name, arguments: decodeEvent(item.inputs, log.topics, log.data) };
}

const ERROR = "0x08c379a0";
const PANIC = "0x4e487b71";

/** Why a call was reverted, in words (Solidity, "Panic via assert and Error via require"). @param {Names} names @param {string} data */
export function revertReason(names, data) {
  const selector = data.slice(0, 10);
  if (selector === ERROR)
    return String(decodeArguments([{ name: "", type: "string" }], data.slice(10))?.[0].value ?? data);
  if (selector === PANIC) return `panic 0x${BigInt(`0x${data.slice(10) || "0"}`).toString(16)}`;
  const item = lookup(names.errors, selector);
  if (item === null) return data;
  const values = decodeArguments(item.inputs, data.slice(10)) ?? [];
  return `${item.name}(${values.map((one) => `${one.name} ${one.value}`).join(", ")})`;
}

/** Own entries only: a key may be `__proto__`. @template T @param {Record<string, T>} table @param {string} key @returns {T | null} */
export const lookup = (table, key) => (Object.hasOwn(table, key) ? table[key] : null);

/** A short name of what a transaction does. @param {Names} names @param {any} transaction */
export function doing(names, transaction) {
  if (transaction.to === null) return "creates a contract";
  if (transaction.input === "0x") return "sends ether";
  const called = decodeCall(names, transaction.input);
  const name = lookup(names.contracts, transaction.to);
  if (called) return called.name;
  return name === "L1Block" ? "L1 attributes" : transaction.input.slice(0, 10);
}

/** Heads of both layers, and what they were derived from. */
export async function heads() {
  const [sync, l1] = await Promise.all([call("rollup_syncStatus"), maybe("rollup_l1Status")]);
  return {
    sync,
    l1,
    unsafe: num(sync.unsafe.number),
    safe: num(sync.safe.number),
    finalized: num(sync.finalized.number),
  };
}

/** Some blocks by number, newest first; those that aren't there are left out. @param {number} newest @param {number} count */
export async function blocksBelow(newest, count) {
  const numbers = Array.from({ length: Math.min(count, newest + 1) }, (_, place) => newest - place);
  const found = await Promise.all(numbers.map((number) => call("eth_getBlockByNumber", hex(number), false)));
  return found.filter((block) => block !== null);
}

/** @param {number} value */
export const hex = (value) => `0x${value.toString(16)}`;

/** How far a block has come. @param {number} number @param {{safe: number, finalized: number}} heads */
export function stage(number, heads) {
  if (number <= heads.finalized) return "finalized";
  return number <= heads.safe ? "safe" : "unsafe";
}

/** Mood of a stage. @type {Record<string, string>} */
export const STAGE_MOODS = {
  matched: "warn",
  unsafe: "warn",
  safe: "accent",
  finalized: "good",
  refused: "bad",
};

/** Printable text in bytes, or null. @param {string} data */
export function printable(data) {
  const found = text(data.slice(2));
  return found.length > 0 && /^[\p{L}\p{N}\p{P}\p{S}\p{Zs}\n]+$/u.test(found) ? found : null;
}

/** What a market is called, else its number. @param {Names} names @param {number} market */
export const marketName = (names, market) => lookup(names.markets, String(market)) ?? `Market ${market}`;
