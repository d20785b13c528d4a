/** How far blocks have come on their way from the sequencer to a settled root on L1. */

import { h } from "../dom.js";
import { blockLink } from "../parts.js";

/**
 * @param {{name: string, number: number | null, below: import("../dom.js").Child}[]} stations
 */
export function rail(stations) {
  return h(
    "ol",
    { class: "rail" },
    stations.map(({ name, number, below }) =>
      h(
        "li",
        { class: number ? "reached" : null },
        h("span", { class: "name" }, name),
        h("div", { class: "number" }, number === null ? "—" : number === 0 ? "genesis" : blockLink(number)),
        h("small", { class: "soft" }, below),
      ),
    ),
  );
}
