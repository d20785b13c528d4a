/** What views are put together from: sheets, tables, facts, badges and links. */

import { h, s } from "./dom.js";
import { short } from "./format.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * A titled box.
 * @param {string} title
 * @param {Child} body
 * @param {{aside?: Child, size?: string, flush?: boolean}} [how]
 */
export function sheet(title, body, { aside = null, size = "", flush = false } = {}) {
  const heading = h("header", {}, h("h2", {}, title), aside ? h("div", { class: "soft" }, aside) : null);
  return h(
    "section",
    { class: `sheet ${size}`, "aria-label": title },
    heading,
    h("div", { class: flush ? "flush" : "body" }, body),
  );
}

/**
 * A table, or words where it has no rows. A column is its heading, and classes of its cells.
 * @param {[string, string?][]} columns
 * @param {Child[][]} rows
 * @param {{none?: string, caption?: string, keys?: string[], kind?: string}} [how]
 */
export function table(columns, rows, { none = "None.", caption = "", keys = [], kind = "" } = {}) {
  if (rows.length === 0) return h("p", { class: "none" }, none);
  const cell = (/** @type {Child} */ value, /** @type {number} */ at) =>
    h("td", { class: columns[at][1] }, value);
  return h(
    "table",
    { class: kind || null },
    caption ? h("caption", { class: "unseen" }, caption) : null,
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map(([name, style]) => h("th", { scope: "col", class: style }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row, at) => h("tr", { "data-key": keys[at] }, row.map(cell))),
    ),
  );
}

/** Names and values. @param {([string, Child] | null)[]} pairs */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.map((pair) => pair && [h("dt", {}, pair[0]), h("dd", {}, pair[1])]),
  );
}

/** @param {Child} words @param {string} [mood] "good", "bad", "warn" or "accent" */
export const badge = (words, mood = "") => h("span", { class: `badge ${mood}` }, words);

/** A few numbers in a row. @param {[string, Child, Child?][]} tiles */
export function tiles(tiles) {
  return h(
    "dl",
    { class: "tiles" },
    tiles.map(([name, value, below]) =>
      h(
        "div",
        { class: "tile" },
        h("dt", {}, name),
        h("dd", {}, value, below ? h("small", { class: "soft" }, below) : null),
      ),
    ),
  );
}

/** A hash in the open, whole for those who copy or hover. @param {string} hex */
export const hash = (hex) => h("span", { class: "mono", title: hex }, short(hex));

/** @param {string} hex */
export const whole = (hex) => h("span", { class: "mono" }, hex);

/** @param {number} number */
export const blockLink = (number) => h("a", { href: `#/blocks/${number}` }, number.toLocaleString("en"));

/** @param {string} hex */
export const txLink = (hex) => h("a", { href: `#/tx/${hex}`, class: "mono", title: hex }, short(hex));

/** @param {number} id */
export const accountLink = (id) => h("a", { href: `#/accounts/${id}` }, `account ${id}`);

/** @param {string} hex @param {string | null} [name] */
export function addressLink(hex, name = null) {
  return h(
    "a",
    { href: `#/address/${hex.toLowerCase()}`, class: name ? null : "mono", title: hex },
    name ?? short(hex),
  );
}

/** A share of a whole as a bar; `words` say it to those who don't see. @param {number} share @param {string} words @param {string} [mood] */
export function bar(share, words, mood = "") {
  return h(
    "div",
    { class: "meter", role: "img", "aria-label": words },
    h("i", { class: mood, vars: { share: Math.max(0, Math.min(1, share)) } }),
  );
}

/** @param {string} title @param {Child} [beside] @param {Child} [turn] */
export function head(title, beside = null, turn = null) {
  return h(
    "div",
    { class: "head" },
    h("h1", {}, title),
    beside ? h("span", { class: "soft" }, beside) : null,
    turn ? h("div", { class: "turn" }, turn) : null,
  );
}

const SIGNS = {
  good: "M4 12.5l5 5L20 6.5",
  warn: "M12 4v10M12 18.5v1",
  bad: "M6 6l12 12M18 6L6 18",
};

/** A sign beside a verdict. @param {"good" | "warn" | "bad"} mood */
export function sign(mood) {
  return s(
    "svg",
    {
      viewBox: "0 0 24 24",
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 2.6,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "aria-hidden": "true",
    },
    s("path", { d: SIGNS[mood] }),
  );
}
