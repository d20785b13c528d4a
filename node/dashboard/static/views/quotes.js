/** Mark and index over time: first what the chain's events say, then each new block. */

import { hex } from "../chain.js";
import { maybe } from "../rpc.js";

const HOUSE = "0x4200000000000000000000000000000000000200";
const BLOCKS = 400;
/** Looked back: events of more blocks are more than a page should ask for. */
const QUOTES_MAX = 5000;

/** @typedef {{time: number, mark: string, index: string}} Quote */

/** The quotes of one market, oldest first. */
export class Quotes {
  constructor() {
    /** @type {Quote[]} */
    this.all = [];
    this.isLearnt = false;
  }

  /** @param {Quote} quote */
  add(quote) {
    const last = this.all.at(-1);
    if (quote.mark === "0" || (last && last.time > quote.time)) return;
    if (last?.time === quote.time) this.all.pop();
    this.all.push(quote);
    if (this.all.length > QUOTES_MAX) this.all.shift();
  }

  /**
   * Read the events of the blocks so far, once.
   * @param {number} market
   * @param {import("../chain.js").Names} names
   * @param {{number: number}} block
   */
  async learn(market, names, block) {
    if (this.isLearnt) return;
    const topics = ["IndexReported", "MarkMoved"].map((name) => topicOf(names, name));
    const logs = await maybe("eth_getLogs", {
      address: HOUSE,
      fromBlock: hex(Math.max(0, block.number - BLOCKS)),
      toBlock: hex(block.number),
      topics: [topics, [`0x${market.toString(16).padStart(64, "0")}`]],
    });
    if (logs === null) return;
    this.isLearnt = true;
    for (const quote of quotesIn(logs, topics[0])) this.add(quote);
  }
}

/** @param {import("../chain.js").Names} names @param {string} name */
function topicOf(names, name) {
  const found = Object.entries(names.events).find(([, item]) => item.name === name);
  if (found === undefined) throw new TypeError(`no event ${name}`);
  return found[0];
}

/** One quote a block that has a report, with the mark as it is after it. @param {any[]} logs @param {string} reported */
function quotesIn(logs, reported) {
  /** @type {Map<string, Quote>} */
  const byBlock = new Map();
  let mark = "0";
  for (const log of logs) {
    const words = log.data.slice(2).match(/.{64}/g) ?? [];
    const quote = byBlock.get(log.blockNumber);
    if (log.topics[0] === reported) {
      // round, index, timestamp
      byBlock.set(log.blockNumber, {
        time: Number(BigInt(`0x${words[2]}`)),
        index: String(BigInt(`0x${words[1]}`)),
        mark,
      });
    } else {
      mark = String(BigInt(`0x${words[0]}`));
      if (quote) quote.mark = mark;
    }
  }
  return [...byBlock.values()].filter((one) => one.mark !== "0");
}
