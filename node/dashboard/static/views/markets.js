/** All perpetual markets. */

import { h } from "../dom.js";
import { marketName, names } from "../chain.js";
import { badge, head, table } from "../parts.js";
import { percent, price, size, usd, words } from "../format.js";
import { call } from "../rpc.js";

const MOODS = /** @type {Record<string, string>} */ ({
  active: "good",
  reduce_only: "warn",
  halted: "bad",
  closed: "",
});

export const title = () => "Markets";

export async function load() {
  const [markets, called] = await Promise.all([call("margin_getMarkets"), names()]);
  return { markets: markets.markets, names: called };
}

/** @param {string} status */
export const statusBadge = (status) => badge(words(status), MOODS[status]);

/** @param {any} seen */
export function draw({ markets, names }) {
  const rows = markets.map((/** @type {any} */ one) => [
    h("a", { href: `#/markets/${one.market}` }, marketName(names, one.market)),
    statusBadge(one.status),
    price(one.markP8),
    price(one.indexP8),
    size(one.openInterestS8),
    percent(one.imfPpm),
    percent(one.mmfPpm),
    usd(one.safety.insuranceQ6),
    one.options ? "yes" : "no",
  ]);
  const columns = /** @type {[string, string?][]} */ ([
    ["Market"],
    ["State"],
    ["Mark", "right"],
    ["Index", "right"],
    ["Open interest", "right wide"],
    ["Initial", "right wide"],
    ["Maintenance", "right wide"],
    ["Insurance, USD", "right wide"],
    ["Options", "wide"],
  ]);
  return [
    head("Markets", "perpetuals, and options on them"),
    h("div", { class: "sheet" }, h("div", { class: "flush" }, table(columns, rows))),
  ];
}
