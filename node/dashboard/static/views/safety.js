/** The monitor's checks, and every breaker of the clearing house. */

import { h } from "../dom.js";
import { marketName, names } from "../chain.js";
import { ago, until } from "../live.js";
import { badge, blockLink, facts, head, sheet, table, tiles } from "../parts.js";
import { count, percent, price, size, span, usd, whole } from "../format.js";
import { call } from "../rpc.js";
import { statusBadge } from "./markets.js";

export const title = () => "Safety";

export async function load() {
  const [monitor, called] = await Promise.all([call("rollup_getMonitor"), names()]);
  return { monitor, names: called };
}

/** @param {any} seen */
export function draw({ monitor, names }) {
  const { checks } = monitor;
  return [
    head("Safety", "what is checked, and what is open or shut"),
    tiles([
      [
        "Invariants",
        checks.violations ? h("span", { class: "down" }, `${checks.violations} broken`) : "hold",
        `${count(checks.blocks, "block")} checked since the start`,
      ],
      [
        "Checked up to",
        checks.lastBlock === null ? "reading" : blockLink(checks.lastBlock),
        count(checks.scans, "full scan"),
      ],
      [
        "Withdrawals",
        monitor.withdrawalsOpen ? "open" : h("span", { class: "down" }, "closed"),
        "closed while debt exceeds insurance",
      ],
      [
        "Trading",
        monitor.isPaused ? h("span", { class: "down" }, "reduces only") : "open",
        "the guardian's pause",
      ],
      ["Insurance, USD", usd(monitor.insuranceQ6), "of all markets"],
      ["Reported debt, USD", usd(monitor.reportedDebtQ6), "of bankrupt accounts"],
    ]),
    h(
      "div",
      { class: "grid" },
      sheet("Breakers of markets", markets(monitor, names), { flush: true }),
      sheet("The books", books(monitor), { size: "half" }),
      sheet("Withdrawal limits", limiters(monitor), { flush: true, size: "half" }),
    ),
  ];
}

/** @param {any} monitor @param {import("../chain.js").Names} names */
function markets({ markets }, names) {
  const rows = markets.map((/** @type {any} */ one) => [
    h("a", { href: `#/markets/${one.market}` }, marketName(names, one.market)),
    statusBadge(one.status),
    one.isStale ? badge("stale", "warn") : badge("fresh", "good"),
    one.isPaused ? [badge("paused", "warn"), " ", until(one.pausedUntil, "over")] : badge("none"),
    one.indexTime ? ago(one.indexTime) : "never",
    size(one.openInterestS8),
    usd(one.insuranceQ6),
    one.closingPriceP8 ? price(one.closingPriceP8) : "—",
  ]);
  return table(
    [
      ["Market"],
      ["State"],
      ["Price"],
      ["Volatility pause"],
      ["Reported", "wide"],
      ["Open interest", "right wide"],
      ["Insurance, USD", "right wide"],
      ["Closed at", "right wide"],
    ],
    rows,
  );
}

/** @param {any} monitor */
function books({ checks, ...monitor }) {
  const balance = checks.balanceQ6 === null ? null : BigInt(checks.balanceQ6) - BigInt(monitor.custodyQ6);
  return facts([
    ["Accounts", whole(checks.accounts)],
    ["Collateral accounted for", `${usd(monitor.custodyQ6)} USD`],
    ["Collateral that is there", checks.balanceQ6 === null ? "unknown" : `${usd(checks.balanceQ6)} USD`],
    ["Beyond what is owed", balance === null ? "unknown" : `${usd(balance)} USD`],
    ["Cash of all accounts", checks.cashQ6 === null ? "unknown" : `${usd(checks.cashQ6)} USD`],
    ["Fees not collected", `${usd(monitor.feesQ6)} USD`],
    ["Passed over", checks.accepted ? `${checks.accepted} findings, by the operator's word` : "nothing"],
    ["Option strikes", whole(monitor.strikes)],
  ]);
}

/** @param {any} monitor */
function limiters({ limiters }) {
  const rows = limiters.flatMap((/** @type {any} */ one, /** @type {number} */ place) =>
    one === null
      ? []
      : [
          [
            String(place),
            span(one.periodSeconds),
            percent(one.sharePpm),
            usd(one.minimumQ6),
            usd(one.capacityQ6),
          ],
        ],
  );
  return table(
    [
      ["Limit"],
      ["In"],
      ["Of the custody", "right"],
      ["Always, USD", "right wide"],
      ["Left when last used, USD", "right"],
    ],
    rows,
    { none: "None is switched on." },
  );
}
