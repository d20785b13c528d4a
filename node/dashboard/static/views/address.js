/** An address: what it has, and whether it is a contract that the node knows. */

import { h } from "../dom.js";
import { lookup, names } from "../chain.js";
import { badge, facts, head, sheet } from "../parts.js";
import { ether, num, usd, whole } from "../format.js";
import { call, maybe } from "../rpc.js";

const COLLATERAL = "0x4200000000000000000000000000000000000100";
const BALANCE_OF = "0x70a08231";
/** ERC-20, balanceOf(address). */

/** @param {string} address */
export const title = (address) => `Address ${address.slice(0, 10)}`;

/** @param {string} address */
export async function load(address) {
  const held = { to: COLLATERAL, data: BALANCE_OF + address.slice(2).padStart(64, "0") };
  const [balance, nonce, code, token, called, proof] = await Promise.all([
    call("eth_getBalance", address, "latest"),
    call("eth_getTransactionCount", address, "latest"),
    call("eth_getCode", address, "latest"),
    maybe("eth_call", held, "latest"),
    names(),
    maybe("eth_getProof", address, [], "latest"),
  ]);
  return { address, balance, nonce, code, token, name: lookup(called.contracts, address), proof };
}

/** @param {any} seen */
export function draw({ address, balance, nonce, code, token, name, proof }) {
  const bytes = (code.length - 2) / 2;
  return [
    head(name ?? "Address", badge(bytes > 0 ? "contract" : "account", "accent")),
    h(
      "div",
      { class: "grid" },
      sheet(
        "In the newest block",
        facts([
          ["Address", h("span", { class: "mono" }, address)],
          ["Ether", ether(balance)],
          token && token.length === 66 ? ["Collateral outside of margin", `${usd(token)} USD`] : null,
          [bytes > 0 ? "Contracts created" : "Transactions sent", whole(num(nonce))],
          bytes > 0 ? ["Code", `${whole(bytes)} bytes`] : null,
          proof ? ["Storage root", h("span", { class: "mono" }, proof.storageHash)] : null,
        ]),
      ),
      bytes > 0
        ? sheet(
            "Code",
            h("details", {}, h("summary", {}, `${whole(bytes)} bytes`), h("pre", { tabindex: "0" }, code)),
          )
        : null,
    ),
  ];
}
