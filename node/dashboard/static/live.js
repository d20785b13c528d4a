/** Times that pass while one looks: elements that say how long ago something was, or how long it has. */

import { h } from "./dom.js";
import { moment, span } from "./format.js";

/** Seconds that this machine's clock is ahead of the chain's, as the newest block tells. */
let ahead = 0;

/** Learn the chain's time from a block that has just been made. @param {number} timestamp */
export function setChainTime(timestamp) {
  const now = Date.now() / 1000;
  // A devnet may have warped its clock; a few seconds are the age of the block.
  const apart = now - timestamp;
  ahead = apart > -2 && apart < 120 ? 0 : apart;
}

/** The chain's time in seconds. */
export const chainNow = () => Date.now() / 1000 - ahead;

/** How long ago a moment was. @param {number} timestamp */
export function ago(timestamp) {
  const said = `${span(chainNow() - timestamp)} ago`;
  return h("time", { "data-since": timestamp, title: moment(timestamp) }, said);
}

/** How long it is until a moment; `over` once it has come. @param {number} timestamp @param {string} over */
export function until(timestamp, over) {
  const said = remaining(timestamp, over);
  return h("time", { "data-until": timestamp, "data-over": over, title: moment(timestamp) }, said);
}

/** @param {number} timestamp @param {string} over */
function remaining(timestamp, over) {
  const left = timestamp - chainNow();
  return left > 0 ? span(left) : over;
}

/** Let every such element say what is true now. */
export function tick() {
  for (const one of document.querySelectorAll("time[data-since]")) {
    one.textContent = `${span(chainNow() - Number(one.getAttribute("data-since")))} ago`;
  }
  for (const one of document.querySelectorAll("time[data-until]")) {
    one.textContent = remaining(Number(one.getAttribute("data-until")), one.getAttribute("data-over") ?? "");
  }
}
