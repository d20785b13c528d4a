/** The order book and the tape of trades, kept up by news of the exchange. */

/** @typedef {{price: bigint, size: bigint, total: bigint}} Level */

/** A book by price, from a snapshot and what changed since. */
export class Book {
  constructor() {
    this.isLive = false;
    this.sequence = -1;
    /** @type {Map<string, bigint>} */
    this.bids = new Map();
    /** @type {Map<string, bigint>} */
    this.asks = new Map();
  }

  /** @param {any} told */
  snapshot(told) {
    this.bids = levels(told.bids);
    this.asks = levels(told.asks);
    this.sequence = told.sequence;
  }

  /** News of the subscription: a snapshot first and after each reconnection, then differences. @param {any} told */
  hear(told) {
    if (told.type === "snapshot") {
      this.isLive = true;
      this.snapshot(told);
      return;
    }
    // Something was missed: what is shown stays until the next subscription tells the whole book.
    if (told.previous !== this.sequence) this.isLive = false;
    this.sequence = told.sequence;
    apply(this.bids, told.bids);
    apply(this.asks, told.asks);
  }

  /** The best levels of both sides with their running sums. @param {number} count */
  best(count) {
    return {
      asks: summed([...this.asks].sort(([one], [other]) => order(one, other)).slice(0, count)),
      bids: summed([...this.bids].sort(([one], [other]) => order(other, one)).slice(0, count)),
    };
  }
}

/** @param {[string, string][]} pairs */
const levels = (pairs) => new Map(pairs.map(([price, size]) => [price, BigInt(size)]));

/** @param {Map<string, bigint>} side @param {[string, string][]} changes */
function apply(side, changes) {
  for (const [price, size] of changes) {
    if (size === "0") side.delete(price);
    else side.set(price, BigInt(size));
  }
}

/** @param {string} one @param {string} other */
function order(one, other) {
  const difference = BigInt(one) - BigInt(other);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** @param {[string, bigint][]} side @returns {Level[]} */
function summed(side) {
  let total = 0n;
  return side.map(([price, size]) => ({ price: BigInt(price), size, total: (total += size) }));
}

const TRADES_MAX = 60;

/** The newest trades by id, each in its newest state. */
export class Tape {
  constructor() {
    /** @type {Map<number, any>} */
    this.byId = new Map();
  }

  /** @param {any} fill */
  hear(fill) {
    this.byId.set(fill.id, fill);
    if (this.byId.size > TRADES_MAX) this.byId.delete(Math.min(...this.byId.keys()));
  }

  /** @param {any[]} fills */
  fill(fills) {
    for (const one of fills) this.hear(one);
  }

  get newest() {
    return [...this.byId.values()].sort((one, other) => other.id - one.id);
  }
}
