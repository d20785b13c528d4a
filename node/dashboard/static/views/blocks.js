/** Blocks, newest first, page by page. */

import { h } from "../dom.js";
import { blocksBelow, heads, stage, STAGE_MOODS } from "../chain.js";
import { ago } from "../live.js";
import { badge, blockLink, hash, head, sheet, table } from "../parts.js";
import { gwei, num, whole } from "../format.js";

const PAGE = 25;

export const title = () => "Blocks";

/** @param {string} before */
export async function load(before) {
  const known = await heads();
  const newest = before === "" ? known.unsafe : Math.min(Number(before) - 1, known.unsafe);
  return { heads: known, newest, blocks: await blocksBelow(newest, PAGE) };
}

/** @param {any} seen @param {import("../routes.js").Page} page */
export function draw({ heads, newest, blocks }, page) {
  const older = newest - PAGE;
  const turn = [
    link("Newest", page.argument === "" ? null : "#/blocks"),
    link("Newer", newest >= heads.unsafe ? null : `#/blocks/before/${newest + PAGE + 1}`),
    link("Older", older < 0 ? null : `#/blocks/before/${older + 1}`),
  ];
  const rows = blocks.map((/** @type {any} */ one) => row(one, heads));
  const columns = /** @type {[string, string?][]} */ ([
    ["Block"],
    ["Made"],
    ["State"],
    ["Txs", "right"],
    ["Gas used", "right"],
    ["Base fee", "right wide"],
    ["Hash", "wide"],
  ]);
  return [
    head("Blocks", `${whole(heads.unsafe)} so far`, turn),
    h(
      "div",
      { class: "sheet" },
      h(
        "div",
        { class: "flush" },
        table(columns, rows, { keys: blocks.map((/** @type {any} */ one) => one.hash) }),
      ),
    ),
  ];
}

/** @param {any} block @param {any} heads */
function row(block, heads) {
  const number = num(block.number);
  const at = stage(number, heads);
  return [
    blockLink(number),
    ago(num(block.timestamp)),
    badge(at, STAGE_MOODS[at]),
    block.transactions.length,
    whole(num(block.gasUsed)),
    gwei(block.baseFeePerGas),
    hash(block.hash),
  ];
}

/** @param {string} words @param {string | null} place */
const link = (words, place) =>
  place === null
    ? h("span", { class: "button", "aria-disabled": "true" }, words)
    : h("a", { class: "button", href: place }, words);
