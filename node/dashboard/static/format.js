/** Numbers and names for people. Amounts are whole numbers of a small unit, and never floats. */

const GROUPS = /\B(?=(\d{3})+(?!\d))/g;

/** A JSON-RPC quantity as a number; for heights, times and counts. @param {string} quantity */
export const num = (quantity) => Number(BigInt(quantity));

/** With separators between thousands. @param {number | bigint} value */
export const whole = (value) => String(value).replace(GROUPS, ",");

/**
 * A whole number of 10^-decimals, rounded half away from zero to `shown` digits.
 * @param {bigint} value
 * @param {number} decimals
 * @param {number} shown
 */
export function fixed(value, decimals, shown) {
  const magnitude = value < 0n ? -value : value;
  const drop = 10n ** BigInt(decimals - shown);
  const rounded = (magnitude + drop / 2n) / drop;
  const digits = rounded.toString().padStart(shown + 1, "0");
  const sign = value < 0n && rounded !== 0n ? "−" : "";
  const before = digits.slice(0, digits.length - shown).replace(GROUPS, ",");
  return shown === 0 ? sign + before : `${sign}${before}.${digits.slice(-shown)}`;
}

/** USD of 1e-6. @param {string | bigint} q6 */
export const usd = (q6) => fixed(BigInt(q6), 6, 2);

/** With its sign, also when it is a gain. @param {string | bigint} q6 */
export const gain = (q6) => (BigInt(q6) > 0n ? "+" : "") + usd(q6);

/** USD of 1e-6 in few characters: 1.2k, 3.4m. @param {string | bigint} q6 */
export function brief(q6) {
  const value = BigInt(q6);
  const magnitude = value < 0n ? -value : value;
  for (const [digits, letter] of /** @type {[number, string][]} */ ([
    [15, "bn"],
    [12, "m"],
    [9, "k"],
  ])) {
    if (magnitude >= 10n ** BigInt(digits)) return fixed(value, digits, 1) + letter;
  }
  return fixed(value, 6, 0);
}

/** A price of 1e-8 USD. @param {string | bigint} p8 */
export function price(p8) {
  const value = BigInt(p8);
  return fixed(value, 8, value !== 0n && value < 10n ** 9n ? 4 : 2);
}

/** A size of 1e-8, without zeros at its end. @param {string | bigint} s8 */
export function size(s8) {
  return fixed(BigInt(s8), 8, 8).replace(/\.?0+$/, "");
}

/** Parts in a million as per cent. @param {string | bigint} ppm */
export const percent = (ppm) => `${fixed(BigInt(ppm), 4, 4).replace(/\.?0+$/, "")}%`;

/** A funding rate of 1e-12 as per cent. @param {string | bigint} r12 */
export const rate = (r12) => `${fixed(BigInt(r12), 10, 4)}%`;

/** Wei as ether. @param {string | bigint} wei */
export function ether(wei) {
  const value = BigInt(wei);
  if (value !== 0n && value < 10n ** 12n) return `${whole(value)} wei`;
  return `${fixed(value, 18, 6).replace(/\.?0+$/, "")} ETH`;
}

/** A price of gas. @param {string | bigint} wei */
export function gwei(wei) {
  const value = BigInt(wei);
  return value < 10n ** 6n ? `${whole(value)} wei` : `${fixed(value, 9, 6).replace(/\.?0+$/, "")} gwei`;
}

/** A count with its noun. @param {number} number @param {string} noun */
export const count = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;

/** The ends of a hash or address. @param {string} hex */
export const short = (hex) => (hex.length > 14 ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : hex);

/** A length of time. @param {number} seconds */
export function span(seconds) {
  const left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min ${left % 60} s`;
  if (left < 86400) return `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`;
  return `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
}

/** A moment in the reader's own zone. @param {number} seconds */
export const moment = (seconds) =>
  new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

/** An identifier as words: in_progress, reduceOnly. @param {string} name */
export const words = (name) =>
  name
    .replaceAll("_", " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();

/** A bigint as a number, for drawing only. @param {string | bigint} value @param {number} decimals */
export const drawn = (value, decimals) => Number(BigInt(value)) / 10 ** decimals;
