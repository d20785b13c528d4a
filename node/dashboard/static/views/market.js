/** One market: order book and trades live, price and funding, and its rules. */

import { h } from "../dom.js";
import { marketName, names } from "../chain.js";
import { candleChart } from "../charts/candles.js";
import { lineChart } from "../charts/lines.js";
import { ago, chainNow, until } from "../live.js";
import { accountLink, facts, head, sheet, table, tiles } from "../parts.js";
import { drawn, percent, price, rate, size, usd } from "../format.js";
import { call, maybe } from "../rpc.js";
import { Quotes } from "./quotes.js";
import { Book, Tape } from "./tape.js";
import { exchangeSheets } from "./exchange.js";
import { statusBadge } from "./markets.js";

const PADDING = 38;
const INTERVALS = /** @type {[string, number][]} */ ([
  ["1m", 60],
  ["5m", 300],
  ["15m", 900],
  ["1h", 3600],
  ["4h", 14400],
  ["1d", 86400],
]);
const CANDLES_WIDE = 90;
const CANDLES_NARROW = 40;

/** What one gathers while looking at a market. */
let held = {
  id: "",
  book: new Book(),
  tape: new Tape(),
  quotes: new Quotes(),
  rates: /** @type {number[][][]} */ ([[], []]),
};
let interval = "1m";

/** @param {string} id */
export const title = (id) => `Market ${id}`;

/** @param {string} id */
function holding(id) {
  if (held.id !== id)
    held = { id, book: new Book(), tape: new Tape(), quotes: new Quotes(), rates: [[], []] };
  return held;
}

/** @param {string} id @param {import("../rpc.js").News} news @param {() => void} redraw */
export function follow(id, news, redraw) {
  const options = { market: Number(id) };
  const mine = holding(id);
  const stops = [
    news.subscribe("trade", "book", { ...options, depth: 20 }, (told) => {
      mine.book.hear(told);
      redraw();
    }),
    news.subscribe("trade", "trades", options, (fill) => {
      mine.tape.hear(fill);
      redraw();
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** @param {string} id */
export async function load(id) {
  const market = Number(id);
  const mine = holding(id);
  const seconds = /** @type {number} */ (new Map(INTERVALS).get(interval));
  const end = Math.ceil(chainNow() / seconds) * seconds;
  const count = innerWidth < 640 ? CANDLES_NARROW : CANDLES_WIDE;
  const start = end - count * seconds;
  const [found, funding, candles, trades, book, called] = await Promise.all([
    call("margin_getMarkets"),
    call("margin_getFunding", market),
    maybe("trade_getCandles", market, interval, start, end),
    maybe("trade_getTrades", market, { limit: 40 }),
    mine.book.isLive ? null : maybe("trade_getBook", market, 20),
    names(),
  ]);
  const shown = found.markets.find((/** @type {any} */ one) => one.market === market) ?? null;
  if (shown === null) return { market: null };
  await mine.quotes.learn(market, called, found.block);
  mine.quotes.add({ time: found.block.timestamp, mark: shown.markP8, index: shown.indexP8 });
  noteRates(mine.rates, found.block.timestamp, funding);
  if (trades !== null) mine.tape.fill(trades);
  if (book !== null && !mine.book.isLive) mine.book.snapshot(book);
  return {
    market: shown,
    funding,
    candles,
    hasExchange: trades !== null,
    seconds,
    start,
    end,
    names: called,
  };
}

/** @param {number[][][]} rates @param {number} time @param {any} funding */
function noteRates(rates, time, funding) {
  [funding.predictedRateR12, funding.runningRateR12].forEach((one, place) => {
    const line = rates[place];
    if (line.at(-1)?.[0] !== time) line.push([time, drawn(one, 10)]);
    if (line.length > 2000) line.shift();
  });
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw(seen, page) {
  const { market, names } = seen;
  if (market === null)
    return [head(`Market ${page.argument}`), h("p", { class: "soft" }, "There is no such market.")];
  const isWide = page.width >= 860;
  const wide = isWide ? (page.width * 8) / 12 - 6 : page.width;
  return [
    head(marketName(names, market.market), statusBadge(market.status)),
    tiles([
      ["Mark, USD", price(market.markP8), ago(market.markTime)],
      ["Index, USD", price(market.indexP8), ago(market.indexTime)],
      ["Open interest", size(market.openInterestS8), `cap ${size(market.openInterestCapS8)}`],
      [
        "Funding, 8 h",
        rate(seen.funding.predictedRateR12),
        ["settles in ", until(seen.funding.intervalStart + seen.funding.intervalSeconds, "a moment")],
      ],
      ["Insurance, USD", usd(market.safety.insuranceQ6)],
    ]),
    h(
      "div",
      { class: "grid" },
      h(
        "div",
        { class: "stack two-thirds" },
        sheet("Price", priceChart(seen, wide - PADDING, page), { aside: choices(page) }),
        sheet("Funding", fundingChart(seen, wide - PADDING)),
      ),
      h("div", { class: "stack third" }, exchangeSheets(seen.hasExchange ? held : null)),
      sheet("Rules", rules(market)),
    ),
  ];
}

/** @param {import("../routes.js").Page} page */
function choices(page) {
  return h(
    "div",
    { class: "choices", role: "group", "aria-label": "Candles of" },
    INTERVALS.map(([name]) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(name === interval),
          onclick: () => {
            interval = name;
            page.reload();
          },
        },
        name,
      ),
    ),
  );
}

/** @param {any} seen @param {number} width @param {import("../routes.js").Page} page */
function priceChart(seen, width, page) {
  const { candles, seconds, start, end } = seen;
  const chart = candleChart(
    { candles: candles ?? [], quotes: holding(page.argument).quotes.all, seconds, start, end },
    width,
  );
  if (chart === null) return h("p", { class: "soft" }, "No price yet.");
  return [
    chart,
    h(
      "div",
      { class: "legend" },
      h("span", { class: "series-0" }, "mark"),
      h("span", { class: "series-1" }, "index"),
      h("span", { class: "up" }, "up"),
      h("span", { class: "down" }, "down"),
    ),
  ];
}

/** @param {any} seen @param {number} width */
function fundingChart({ funding }, width) {
  const say = (/** @type {number} */ value) => `${value.toFixed(4)}%`;
  const label = `Funding rate of eight hours, now predicted at ${rate(funding.predictedRateR12)}.`;
  const chart = lineChart({ series: held.rates, label, say }, width);
  const past = funding.history.slice(-8).reverse();
  return [
    chart ?? h("p", { class: "soft" }, "The rate is drawn while you look."),
    h(
      "div",
      { class: "legend" },
      h("span", { class: "series-0" }, "predicted"),
      h("span", { class: "series-1" }, "if all samples to come were zero"),
    ),
    h(
      "details",
      {},
      h("summary", {}, `${funding.history.length} settlements of funding`),
      table(
        [["Until"], ["Block"], ["Funding index", "right"]],
        past.map((/** @type {any} */ one) => [
          ago(one.until),
          String(one.block),
          price(BigInt(one.fundingIndexF12) / 10000n),
        ]),
        { none: "No interval has ended in the blocks looked at." },
      ),
    ),
  ];
}

/** @param {any} market */
function rules(market) {
  const { safety } = market;
  return facts([
    ["Tick and lot", `${price(market.tickP8)} USD, ${size(market.lotS8)}`],
    [
      "Initial margin",
      `${percent(market.imfPpm)} (least ${percent(market.baseImfPpm)}, more with open interest)`,
    ],
    ["Maintenance margin", percent(market.mmfPpm)],
    ["Fees of a taker", percent(market.fees[0].takerPpm)],
    ["Fees of a maker", percent(market.fees[0].makerPpm)],
    [
      "Prices may be",
      `${percent(market.priceBandPpm)} from the mark; the mark ${percent(market.markBandPpm)} from the index`,
    ],
    ["Stale after", `${market.staleSeconds} s without a report`],
    ["Matching", market.isAuction ? "a batch auction each block" : "price, then time"],
    ["Liquidation fee", percent(safety.liquidationFeePpm)],
    safety.vault
      ? ["Backstop", [accountLink(safety.vault.account), `, may lose ${usd(safety.vault.lossCapQ6)} USD`]]
      : null,
  ]);
}
