/** Which view an address of the page (`#/blocks/12`) leads to. */

import * as account from "./views/account.js";
import * as accounts from "./views/accounts.js";
import * as address from "./views/address.js";
import * as block from "./views/block.js";
import * as blocks from "./views/blocks.js";
import * as dispute from "./views/dispute.js";
import * as market from "./views/market.js";
import * as markets from "./views/markets.js";
import * as overview from "./views/overview.js";
import * as roots from "./views/roots.js";
import * as safety from "./views/safety.js";
import * as transaction from "./views/transaction.js";

/**
 * A view. `load` asks the node; `draw` makes elements of the answers; `follow` subscribes to news,
 * calls `redraw` when there is something new, and returns how to stop.
 * @typedef {object} View
 * @property {(argument: string) => string} title
 * @property {(argument: string) => Promise<any>} load
 * @property {(data: any, page: Page) => import("./dom.js").Child} draw
 * @property {(argument: string, news: import("./rpc.js").News, redraw: () => void) => () => void} [follow]
 * @property {number} [seconds] The least time between two loads; a block's time where it isn't said.
 */

/** @typedef {{argument: string, width: number, redraw: () => void, reload: () => void}} Page */

/** @type {[RegExp, View, string][]} */
const ROUTES = [
  [/^$/, overview, "#/"],
  [/^blocks(?:\/before\/(\d{1,15}))?$/, blocks, "#/blocks"],
  [/^blocks\/(\d{1,15}|0x[0-9a-f]{64})$/, block, "#/blocks"],
  [/^tx\/(0x[0-9a-f]{64})$/, transaction, "#/blocks"],
  [/^address\/(0x[0-9a-f]{40})$/, address, "#/blocks"],
  [/^markets$/, markets, "#/markets"],
  [/^markets\/(\d{1,10})$/, market, "#/markets"],
  [/^accounts(?:\/from\/(\d{1,15}))?$/, accounts, "#/accounts"],
  [/^accounts\/(\d{1,20})$/, account, "#/accounts"],
  [/^roots$/, roots, "#/roots"],
  [/^roots\/(0x[0-9a-f]{40}|\d{1,15})$/, dispute, "#/roots"],
  [/^safety$/, safety, "#/safety"],
];

/**
 * The view of an address, its argument, and the entry of the menu that it belongs to.
 * @param {string} hash
 * @returns {{view: View, argument: string, entry: string} | null}
 */
export function routed(hash) {
  const path = hash.replace(/^#?\/?/, "").toLowerCase();
  for (const [pattern, view, entry] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { view, argument: found[1] ?? "", entry };
  }
  return null;
}
