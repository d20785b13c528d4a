/** An address: what it has, and whether it is a contract that the node knows. */

import { h } from "../dom.js";
import { doing, lookup, names } from "../chain.js";
import { addressLink, badge, blockLink, facts, head, sheet, table, txLink } from "../parts.js";
import { ether, num, usd, whole } from "../format.js";
import { call, isLater, isMissing, maybe } from "../rpc.js";

const COLLATERAL = "0x4200000000000000000000000000000000000100";
const BALANCE_OF = "0x70a08231";
/** ERC-20, balanceOf(address). */
const TRANSACTIONS = 25;
const RETRY_MILLISECONDS = 1500;

/**
 * What was found of an address's transactions, once somebody asks: the node makes an index of all
 * addresses for the first who does, which nobody should set off by looking.
 */
let history = { address: "", words: "", transactions: /** @type {any[] | null} */ (null) };

/** @param {string} address */
export const title = (address) => `Address ${address.slice(0, 10)}`;

/** @param {string} address */
export async function load(address) {
  if (history.address !== address) history = { address, words: "", transactions: null };
  const held = { to: COLLATERAL, data: BALANCE_OF + address.slice(2).padStart(64, "0") };
  const [balance, nonce, code, token, called, proof] = await Promise.all([
    call("eth_getBalance", address, "latest"),
    call("eth_getTransactionCount", address, "latest"),
    call("eth_getCode", address, "latest"),
    maybe("eth_call", held, "latest"),
    names(),
    maybe("eth_getProof", address, [], "latest"),
  ]);
  return { address, balance, nonce, code, token, names: called, proof };
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw({ address, balance, nonce, code, token, names, proof }, page) {
  const bytes = (code.length - 2) / 2;
  const name = lookup(names.contracts, address);
  const inside = facts([
    ["Address", h("span", { class: "mono" }, address)],
    ["Ether", ether(balance)],
    token && token.length === 66 ? ["Collateral outside of margin", `${usd(token)} USD`] : null,
    [bytes > 0 ? "Contracts created" : "Transactions sent", whole(num(nonce))],
    bytes > 0 ? ["Code", `${whole(bytes)} bytes`] : null,
    proof ? ["Storage root", h("span", { class: "mono" }, proof.storageHash)] : null,
  ]);
  return [
    head(name ?? "Address", badge(bytes > 0 ? "contract" : "account", "accent")),
    h(
      "div",
      { class: "grid" },
      sheet("In the newest block", inside),
      sheet("Transactions", found(address, names, page), { flush: history.transactions !== null }),
      bytes > 0 ? sheet("Code", codeOf(code, bytes)) : null,
    ),
  ];
}

/** @param {string} code @param {number} bytes */
function codeOf(code, bytes) {
  return h("details", {}, h("summary", {}, `${whole(bytes)} bytes`), h("pre", { tabindex: "0" }, code));
}

/** @param {string} address @param {import("../chain.js").Names} names @param {import("../routes.js").Page} page */
function found(address, names, page) {
  const { transactions, words } = history;
  if (transactions === null) {
    const button = h("button", { type: "button", onclick: () => find(address, page.redraw) }, "Find them");
    return [button, h("p", { class: "soft", role: "status" }, words)];
  }
  const rows = transactions.map((one) => [
    txLink(one.hash),
    blockLink(num(one.blockNumber)),
    doing(names, one),
    addressLink(one.from, lookup(names.contracts, one.from)),
    one.to ? addressLink(one.to, lookup(names.contracts, one.to)) : "new contract",
    BigInt(one.value) === 0n ? "" : ether(one.value),
  ]);
  const columns = /** @type {[string, string?][]} */ ([
    ["Transaction"],
    ["Block"],
    ["Does"],
    ["From", "wide"],
    ["To", "wide"],
    ["Ether", "right wide"],
  ]);
  return table(columns, rows, { none: "No transaction has touched it." });
}

/** @param {string} address @param {() => void} redraw */
async function find(address, redraw) {
  const mine = history;
  mine.words ||= "The node looks through its blocks.";
  redraw();
  try {
    mine.transactions = (await call("ots_searchTransactionsBefore", address, 0, TRANSACTIONS)).txs;
  } catch (error) {
    mine.words = isMissing(error) ? "This node keeps no index of addresses." : wordsOf(error);
    // The index is being made: it says how far it is, and one asks again.
    if (isLater(error)) setTimeout(() => isShown(address) && find(address, redraw), RETRY_MILLISECONDS);
  }
  redraw();
}

/** @param {unknown} error */
const wordsOf = (error) => (error instanceof Error ? error.message : String(error));

/** Whether one still looks at an address. @param {string} address */
const isShown = (address) => location.hash.toLowerCase().endsWith(address);
