/** The search box: a block, a transaction, an address or a margin account. */

import { call } from "./rpc.js";

/**
 * @param {HTMLFormElement} form
 * @param {(words: string | null) => void} say
 */
export function attachSearch(form, say) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = input.value.trim();
    if (wanted === "") return;
    try {
      const place = await placeOf(wanted);
      say(
        place === null
          ? `Nothing here is called ${wanted.slice(0, 80)}. Try a block number, a hash, an address or “account 3”.`
          : null,
      );
      if (place !== null) {
        input.value = "";
        location.hash = place;
      }
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  });
  addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
    }
  });
}

/**
 * Where in the page something is, or null.
 * @param {string} wanted
 * @returns {Promise<string | null>}
 */
export async function placeOf(wanted) {
  const text = wanted.toLowerCase().replaceAll(",", "");
  const account = /^(?:account|acct|a)\s*#?\s*(\d{1,15})$/.exec(text);
  if (account) return `#/accounts/${account[1]}`;
  if (/^\d{1,15}$/.test(text)) return `#/blocks/${Number(text)}`;
  if (/^0x[0-9a-f]{40}$/.test(text)) return `#/address/${text}`;
  if (!/^0x[0-9a-f]{64}$/.test(text)) return null;
  const [transaction, block] = await Promise.all([
    call("eth_getTransactionByHash", text),
    call("eth_getBlockByHash", text, false),
  ]);
  if (transaction) return `#/tx/${text}`;
  return block ? `#/blocks/${text}` : null;
}
