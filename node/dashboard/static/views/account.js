/** One margin account: standing, positions, scenarios, orders and fills. */

import { h } from "../dom.js";
import { marketName, names, STAGE_MOODS } from "../chain.js";
import { scenarioChart } from "../charts/scenarios.js";
import { standingChart } from "../charts/standing.js";
import { addressLink, badge, facts, head, sheet, table } from "../parts.js";
import { gain, moment, price, size, usd } from "../format.js";
import { call, maybe } from "../rpc.js";

const PADDING = 38;
const FILLS = 15;

/** @param {string} id */
export const title = (id) => `Margin account ${id}`;

/** @param {string} id */
export async function load(id) {
  const number = Number(id);
  const [account, held, orders, fills, called] = await Promise.all([
    call("margin_getAccount", number),
    call("margin_getPositions", number),
    maybe("trade_getOrders", number),
    maybe("trade_getFills", number, { limit: FILLS }),
    names(),
  ]);
  return { account, held, orders, fills, names: called };
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw({ account, held, orders, fills, names }, page) {
  const { standing } = account;
  return [
    head(`Margin account ${account.account}`, [
      badge(account.mode, "accent"),
      account.isVault ? [" ", badge("vault")] : null,
      " ",
      verdict(standing),
    ]),
    h(
      "div",
      { class: "grid" },
      sheet("Equity against requirements", [standingChart(standing, page.width - PADDING), numbers(account)]),
      sheet("Perpetuals", perps(held.perps, names), { flush: true }),
      held.options.length ? sheet("Options", options(held.options, names), { flush: true }) : null,
      held.scenarios.map((/** @type {any} */ one) =>
        sheet(
          `Scenarios of ${marketName(names, one.underlying)}`,
          scenarioChart(one.pnlQ6, page.width - PADDING),
        ),
      ),
      orders ? sheet("Open orders", openOrders(orders, names), { flush: true, size: "half" }) : null,
      fills
        ? sheet("Newest fills", newestFills(fills, account.account, names), { flush: true, size: "half" })
        : null,
    ),
  ];
}

/** @param {any} standing */
function verdict(standing) {
  const [equity, initial, maintenance] = [standing.equityQ6, standing.initialQ6, standing.maintenanceQ6].map(
    BigInt,
  );
  if (standing.stale) return badge("prices are stale", "warn");
  if (equity < 0n) return badge("in debt", "bad");
  if (equity < maintenance) return badge("may be liquidated", "bad");
  return equity < initial ? badge("may only reduce", "warn") : badge("sound", "good");
}

/** @param {any} account */
function numbers(account) {
  const { standing } = account;
  return facts([
    ["Equity", `${usd(standing.equityQ6)} USD`],
    ["Initial margin", `${usd(standing.initialQ6)} USD`],
    ["Maintenance margin", `${usd(standing.maintenanceQ6)} USD`],
    ["May be withdrawn", `${usd(standing.withdrawableQ6)} USD`],
    ["Cash", `${usd(account.cashQ6)} USD`],
    BigInt(account.reportedDebtQ6) > 0n
      ? ["Reported debt", h("span", { class: "down" }, `${usd(account.reportedDebtQ6)} USD`)]
      : null,
    ["Owner", addressLink(account.owner, account.owner)],
    ["Fee tier", String(account.feeTier)],
  ]);
}

/** @param {string} amount */
const coloured = (amount) =>
  h("span", { class: BigInt(amount) < 0n ? "down" : BigInt(amount) > 0n ? "up" : null }, gain(amount));

/** @param {any[]} lines @param {import("../chain.js").Names} names */
function perps(lines, names) {
  const rows = lines.map((one) => [
    h("a", { href: `#/markets/${one.market}` }, marketName(names, one.market)),
    size(one.sizeS8),
    price(one.markP8),
    coloured(one.unrealisedQ6),
    coloured(one.unsettledFundingQ6),
    usd(one.maintenanceQ6),
    one.liquidationPriceP8 ? price(one.liquidationPriceP8) : "—",
  ]);
  return table(
    [
      ["Market"],
      ["Size", "right"],
      ["Mark", "right wide"],
      ["Gain, USD", "right"],
      ["Funding", "right wide"],
      ["Maintenance", "right wide"],
      ["Liquidated at", "right"],
    ],
    rows,
    { none: "No open position." },
  );
}

/** @param {any[]} lines @param {import("../chain.js").Names} names */
function options(lines, names) {
  const rows = lines.map((one) => [
    `${marketName(names, one.underlying)} ${one.isPut ? "put" : "call"} ${price(one.strikeP8)}`,
    moment(one.expiry),
    size(one.sizeS8),
    price(one.unitValueP8),
    coloured(one.valueQ6),
  ]);
  return table(
    [["Option"], ["Expires"], ["Size", "right"], ["Worth each", "right wide"], ["Value, USD", "right"]],
    rows,
  );
}

/** @param {boolean} isBuy */
const side = (isBuy) => h("span", { class: isBuy ? "up" : "down" }, isBuy ? "buy" : "sell");

/** @param {any[]} orders @param {import("../chain.js").Names} names */
function openOrders(orders, names) {
  const rows = orders.map((one) => [
    marketName(names, one.market),
    side(one.isBuy),
    price(one.priceP8),
    size(one.leftS8),
    one.status,
  ]);
  return table([["Market"], ["Side"], ["Price", "right"], ["Left", "right"], ["State"]], rows, {
    none: "None.",
  });
}

/** @param {any[]} fills @param {number} account @param {import("../chain.js").Names} names */
function newestFills(fills, account, names) {
  const rows = fills.map((one) => [
    marketName(names, one.market),
    side((one.takerAccount === account) === one.takerIsBuy),
    price(one.priceP8),
    size(one.sizeS8),
    badge(one.state, STAGE_MOODS[one.state]),
  ]);
  return table([["Market"], ["Side"], ["Price", "right"], ["Size", "right"], ["State"]], rows, {
    none: "None yet.",
  });
}
