/**
 * Decoding calldata and events by the contracts' ABI (Solidity, "Contract ABI Specification"). Data
 * is hostile: what doesn't fit its types is shown as it is.
 */

/** @typedef {{name: string, type: string, indexed?: boolean, components?: Parameter[]}} Parameter */
/** @typedef {{name: string, value: any, type: string}} Argument */

const WORD = 64;
const ITEMS_MAX = 512;
/** A length that data claims for itself, before its items are looked at. */

/** Hexadecimal digits with a place to read from. */
class Words {
  /** @param {string} digits */
  constructor(digits) {
    this.digits = digits;
  }

  /** @param {number} at */
  word(at) {
    const found = this.digits.slice(at, at + WORD);
    if (found.length !== WORD) throw new RangeError("data ends too early");
    return found;
  }

  /** A length or offset, in digits. @param {number} at */
  count(at) {
    const value = BigInt(`0x${this.word(at)}`);
    if (value > BigInt(this.digits.length)) throw new RangeError("beyond the end");
    return Number(value);
  }

  /** @param {number} at */
  from(at) {
    return new Words(this.digits.slice(at));
  }
}

/** @param {Parameter} one @returns {boolean} */
function isDynamic({ type, components = [] }) {
  const array = /^(.*)\[(\d*)\]$/.exec(type);
  if (array) return array[2] === "" || isDynamic({ name: "", type: array[1], components });
  if (type === "tuple") return components.some(isDynamic);
  return type === "bytes" || type === "string";
}

/** Digits that a parameter takes in the head of its tuple. @param {Parameter} one @returns {number} */
function headSize(one) {
  if (isDynamic(one)) return WORD;
  const array = /^(.*)\[(\d+)\]$/.exec(one.type);
  if (array) return Number(array[2]) * headSize({ ...one, type: array[1] });
  if (one.type === "tuple") return (one.components ?? []).reduce((sum, each) => sum + headSize(each), 0);
  return WORD;
}

/** @param {Parameter[]} parameters @param {Words} data @returns {Argument[]} */
function tuple(parameters, data) {
  let at = 0;
  return parameters.map((one) => {
    const place = isDynamic(one) ? data.from(2 * data.count(at)) : data.from(at);
    at += headSize(one);
    return { name: one.name, type: one.type, value: decoded(one, place) };
  });
}

/** @param {Parameter} one @param {Words} data @returns {any} */
function decoded(one, data) {
  const array = /^(.*)\[(\d*)\]$/.exec(one.type);
  if (array) {
    const count = array[2] === "" ? data.count(0) : Number(array[2]);
    if (count > ITEMS_MAX) throw new RangeError("too many items");
    const item = { ...one, name: "", type: array[1] };
    return tuple(Array(count).fill(item), array[2] === "" ? data.from(WORD) : data);
  }
  if (one.type === "tuple") return tuple(one.components ?? [], data);
  if (one.type === "bytes" || one.type === "string") {
    const digits = data.digits.slice(WORD, WORD + 2 * data.count(0));
    return one.type === "bytes" ? `0x${digits}` : text(digits);
  }
  return single(one.type, data.word(0));
}

/** @param {string} type @param {string} word */
export function single(type, word) {
  if (type === "address") return `0x${word.slice(24)}`;
  if (type === "bool") return BigInt(`0x${word}`) !== 0n;
  if (type.startsWith("uint")) return BigInt(`0x${word}`);
  if (type.startsWith("int")) return BigInt.asIntN(256, BigInt(`0x${word}`));
  const bytes = /^bytes(\d+)$/.exec(type);
  return `0x${bytes ? word.slice(0, 2 * Number(bytes[1])) : word}`;
}

/** @param {string} digits */
export function text(digits) {
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return new TextDecoder().decode(bytes);
}

/**
 * The arguments of calldata behind its selector, or null where the types don't fit.
 * @param {Parameter[]} parameters
 * @param {string} hex
 * @returns {Argument[] | null}
 */
export function decodeArguments(parameters, hex) {
  try {
    return tuple(parameters, new Words(hex.replace(/^0x/, "")));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * The arguments of an event: indexed ones are topics, of which those with a length are hashes only.
 * @param {Parameter[]} parameters
 * @param {string[]} topics
 * @param {string} data
 * @returns {Argument[] | null}
 */
export function decodeEvent(parameters, topics, data) {
  const rest = decodeArguments(
    parameters.filter((one) => !one.indexed),
    data,
  );
  if (rest === null || topics.length !== 1 + parameters.length - rest.length) return null;
  const indexed = topics.slice(1);
  return parameters.map((one) => {
    if (!one.indexed) return /** @type {Argument} */ (rest.shift());
    const word = /** @type {string} */ (indexed.shift()).slice(2);
    const isHash = isDynamic(one) || one.type === "tuple" || one.type.endsWith("]");
    return { name: one.name, type: one.type, value: isHash ? `0x${word}` : single(one.type, word) };
  });
}
