/** The order book and the newest trades, side by side with the chart of a market. */

import { STAGE_MOODS } from "../chain.js";
import { h } from "../dom.js";
import { drawn, price, size } from "../format.js";
import { badge, sheet, table } from "../parts.js";

const LEVELS = 10;

/** @param {{book: import("./tape.js").Book, tape: import("./tape.js").Tape} | null} held */
export function exchangeSheets(held) {
  if (held === null) {
    return sheet("Order book", "This node has no exchange. The order book is at the sequencer.");
  }
  const trades = h(
    "div",
    { class: "tape", tabindex: "0", role: "region", "aria-label": "Newest trades" },
    tapeTable(held.tape),
  );
  return [
    sheet("Order book", bookTable(held.book), { flush: true }),
    sheet("Trades", trades, { flush: true }),
  ];
}

/** @param {import("./tape.js").Book} book */
function bookTable(book) {
  const { asks, bids } = book.best(LEVELS);
  if (asks.length + bids.length === 0) return h("p", { class: "none" }, "The book is empty.");
  const most = [...asks, ...bids].reduce((one, level) => (level.total > one ? level.total : one), 1n);
  const row = (/** @type {any} */ level, /** @type {string} */ side) =>
    h(
      "tr",
      { class: side },
      h("td", { class: side === "ask" ? "down" : "up" }, price(level.price)),
      h("td", { class: "right" }, size(level.size)),
      h(
        "td",
        { class: "right", vars: { share: drawn((level.total * 10n ** 8n) / most, 8) } },
        size(level.total),
      ),
    );
  const spread = asks.length && bids.length ? price(asks[0].price - bids[0].price) : "—";
  return h(
    "table",
    { class: "book" },
    h("caption", { class: "unseen" }, "Best levels, asks above bids"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "Price"),
        h("th", { scope: "col", class: "right" }, "Size"),
        h("th", { scope: "col", class: "right" }, "Sum"),
      ),
    ),
    h(
      "tbody",
      {},
      asks
        .slice()
        .reverse()
        .map((level) => row(level, "ask")),
      h("tr", { class: "spread" }, h("td", { colspan: 3 }, "spread ", spread)),
      bids.map((level) => row(level, "bid")),
    ),
  );
}

/** @param {import("./tape.js").Tape} tape */
function tapeTable(tape) {
  const rows = tape.newest.map((one) => [
    h("span", { class: one.takerIsBuy ? "up" : "down" }, price(one.priceP8)),
    size(one.sizeS8),
    badge(one.state, STAGE_MOODS[one.state]),
  ]);
  return table([["Price"], ["Size", "right"], ["State", "right"]], rows, {
    none: "Nothing was traded yet.",
    kind: "book",
    keys: tape.newest.map((one) => String(one.id)),
  });
}
