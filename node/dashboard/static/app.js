/** The page: follows the address bar, loads views and keeps them fresh. */

import { setChainTime, tick } from "./live.js";
import { h, renew } from "./dom.js";
import { call, isMissing, News, RpcFailed } from "./rpc.js";
import { routed } from "./routes.js";
import { attachSearch } from "./search.js";
import { num } from "./format.js";

const LOAD_MILLISECONDS_MIN = 1000;
/** Blocks may come faster than anybody reads. */
const POLL_MILLISECONDS = 5000;
/** Without news of blocks, for example while the websocket is lost, the view is loaded so often. */
const NARROW = 292;
/** The narrowest that is drawn for: a phone of 320 pixels, without the margins. */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const banner = /** @type {HTMLElement} */ (document.getElementById("banner"));
const connection = /** @type {HTMLElement} */ (document.getElementById("connection"));

/** The view that is shown, what it was drawn from, and when that was asked for. */
let shown = /** @type {any} */ (null);

/** @param {string | null} words */
const say = (words) => renew(banner, words === null ? null : h("p", {}, words));

function open() {
  shown?.stop?.();
  const found = routed(location.hash);
  const page = { argument: found?.argument ?? "", width: NARROW, redraw: drawSoon, reload: load };
  shown = { ...found, page, data: null, loadedAt: 0, loading: false };
  for (const link of document.querySelectorAll("#views a")) {
    const isCurrent = link.getAttribute("href") === found?.entry;
    if (!isCurrent) link.removeAttribute("aria-current");
    if (isCurrent) link.setAttribute("aria-current", "page");
    if (isCurrent) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (found === null) {
    document.title = "Not found · Tallystick";
    renew(main, h("h1", {}, "There is nothing at this address"));
    return;
  }
  document.title = `${found.view.title(found.argument)} · Tallystick`;
  renew(main, h("p", { class: "soft", "aria-busy": "true" }, "Asking the node"));
  shown.stop = found.view.follow?.(found.argument, news, drawSoon);
  void load();
}

async function load() {
  const place = shown;
  if (place?.view === undefined || place.loading || document.hidden) return;
  place.loading = true;
  place.loadedAt = Date.now();
  try {
    const data = await place.view.load(place.page.argument);
    if (place !== shown) return;
    place.data = data;
    say(null);
    draw();
  } catch (error) {
    if (place === shown) failed(error);
  } finally {
    place.loading = false;
  }
}

/** @param {unknown} error */
function failed(error) {
  if (shown.data !== null || !(error instanceof RpcFailed)) {
    say(error instanceof Error ? error.message : String(error));
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
    return;
  }
  const lacks = isMissing(error) ? "This node doesn't know that. Ask a sequencer or a verifier." : null;
  renew(main, h("div", { class: "sheet" }, h("p", { class: "none" }, lacks ?? error.message)));
}

let isDrawing = false;

function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw() {
  if (shown?.data === null || shown?.view === undefined) return;
  const style = getComputedStyle(main);
  const inside = main.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  shown.page.width = Math.max(NARROW, inside);
  renew(main, shown.view.draw(shown.data, shown.page));
}

/** Load the view again if it is time to. @param {number} milliseconds */
function refresh(milliseconds) {
  if (shown?.view === undefined) return;
  const pause = Math.max(milliseconds, 1000 * (shown.view.seconds ?? 0));
  if (Date.now() - shown.loadedAt >= pause) void load();
}

const news = new News((state) => {
  connection.className = `connection ${state}`;
  renew(connection, state === "live" ? "Live" : "Reconnecting");
  if (state === "live") void load();
});

news.subscribe("eth", "newHeads", null, (head) => {
  setChainTime(num(head.timestamp));
  refresh(LOAD_MILLISECONDS_MIN);
});

async function introduce() {
  const [version, config] = await Promise.all([call("web3_clientVersion"), call("rollup_config")]);
  const about = document.getElementById("about");
  if (about)
    renew(
      about,
      `${version} · ${config.name}, chain ${num(config.chainId)} · everything here comes from this node`,
    );
}

attachSearch(/** @type {HTMLFormElement} */ (document.getElementById("search")), say);
addEventListener("hashchange", () => {
  open();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
addEventListener("resize", drawSoon);
document.addEventListener("visibilitychange", () => refresh(0));
setInterval(tick, 1000);
setInterval(() => refresh(POLL_MILLISECONDS), POLL_MILLISECONDS);
open();
introduce().catch(() => {}); // the view says that the node doesn't answer
