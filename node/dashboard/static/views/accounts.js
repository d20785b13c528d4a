/** Margin accounts, page by page: what each is worth against what it needs. */

import { h } from "../dom.js";
import { accountLink, addressLink, badge, bar, head, table } from "../parts.js";
import { drawn, usd, whole } from "../format.js";
import { call, maybe } from "../rpc.js";

const PAGE = 20;

/** The contract is asked for each account: not at every block. */
export const seconds = 4;

export const title = () => "Margin accounts";

/** @param {string} from */
export async function load(from) {
  const monitor = await call("rollup_getMonitor");
  const first = Math.max(1, Number(from || 1));
  const ids = Array.from({ length: PAGE }, (_, place) => first + place).filter(
    (id) => id <= monitor.checks.accounts,
  );
  const found = await Promise.all(ids.map((id) => maybe("margin_getAccount", id)));
  return { first, count: monitor.checks.accounts, accounts: found.filter((one) => one !== null) };
}

/** @param {any} seen */
export function draw({ first, count, accounts }) {
  const turn = [
    first > 1
      ? h("a", { class: "button", href: `#/accounts/from/${Math.max(1, first - PAGE)}` }, "Previous")
      : null,
    first + PAGE <= count
      ? h("a", { class: "button", href: `#/accounts/from/${first + PAGE}` }, "Next")
      : null,
  ];
  const columns = /** @type {[string, string?][]} */ ([
    ["Account"],
    ["Health"],
    ["Equity, USD", "right"],
    ["Initial", "right wide"],
    ["Maintenance", "right wide"],
    ["Mode", "wide"],
    ["Owner", "wide"],
  ]);
  return [
    head("Margin accounts", `${whole(count)} in all`, turn),
    h(
      "div",
      { class: "sheet" },
      h("div", { class: "flush" }, table(columns, accounts.map(row), { none: "Nobody has opened one yet." })),
    ),
  ];
}

/** @param {any} account */
function row(account) {
  const { standing } = account;
  return [
    [accountLink(account.account), account.isVault ? [" ", badge("vault")] : null],
    health(standing),
    usd(standing.equityQ6),
    usd(standing.initialQ6),
    usd(standing.maintenanceQ6),
    account.mode,
    addressLink(account.owner),
  ];
}

/** How much of the equity is spoken for by maintenance margin. @param {any} standing */
export function health(standing) {
  const equity = drawn(standing.equityQ6, 6);
  const maintenance = drawn(standing.maintenanceQ6, 6);
  if (maintenance === 0) return badge(equity < 0 ? "in debt" : "no risk", equity < 0 ? "bad" : "");
  const spoken = equity > 0 ? maintenance / equity : 1;
  const mood = spoken >= 1 ? "bad" : drawn(standing.initialQ6, 6) > equity ? "warn" : "";
  const words = spoken >= 1 ? "may be liquidated" : `${Math.round(100 * spoken)}% of the equity is needed`;
  return h("div", { title: words }, bar(spoken, words, mood));
}
