// What a user of viem does now and then. Arguments: RPC URL, websocket URL, Counter's address,
// artifact. Prints what it saw as one line of JSON; any surprise ends it with an error.
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const [url, wsUrl, address, artifactPath] = process.argv.slice(2);
const { abi } = JSON.parse(readFileSync(artifactPath, "utf8"));
const event = abi.find(({ type, name }) => type === "event" && name === "Moved");
const id = await createPublicClient({ transport: http(url) }).getChainId();
const chain = defineChain({
  id,
  name: "chain under test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const settings = { chain, pollingInterval: 50, cacheTime: 0 };
const reader = createPublicClient({ ...settings, transport: http(url, { batch: true }) });
const sender = createWalletClient({ ...settings, transport: http(url) });
const account = (await sender.getAddresses())[2];
const move = () => sender.writeContract({ address, abi, functionName: "move", args: [2n], account });

// A line to the node that can be cut.
const lines = new Set();
const relay = createServer((near) => {
  const far = connect(new URL(wsUrl).port, "127.0.0.1");
  near.pipe(far).pipe(near);
  for (const line of [near, far]) {
    lines.add(line);
    line.on("error", () => {});
    line.on("close", () => (near.destroy(), far.destroy()));
  }
});
await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
const reconnect = { delay: 50, attempts: 1000 };
const socket = createPublicClient({
  ...settings,
  transport: webSocket(`ws://127.0.0.1:${relay.address().port}`, { reconnect }),
});

// Whether something is heard while blocks are made.
const heard = (watch) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing heard: ${watch}`)), 60_000);
    let done = false;
    const stop = watch((seen) => {
      done = true;
      clearTimeout(timer);
      setTimeout(() => stop(), 0);
      resolve(seen !== undefined);
    }, reject);
    (async () => {
      while (!done) await reader.waitForTransactionReceipt({ hash: await move() });
    })().catch(reject);
  });
const watches = (client) => [
  (tell, onError) => client.watchBlocks({ onBlock: tell, onError, includeTransactions: true }),
  (tell, onError) => client.watchBlockNumber({ onBlockNumber: tell, onError }),
  (tell, onError) => client.watchPendingTransactions({ onTransactions: tell, onError }),
  (tell, onError) => client.watchEvent({ address, event, onLogs: tell, onError }),
];
const allHeard = async (client) => {
  const seen = [];
  for (const watch of watches(client)) seen.push(await heard(watch));
  return seen;
};

const nameOf = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    return error.name;
  }
};
await reader.waitForTransactionReceipt({ hash: await move() });
const filter = await reader.createEventFilter({ address, event, args: { who: account }, fromBlock: 0n });
const hash = await move();
await reader.waitForTransactionReceipt({ hash });
const changes = await reader.getFilterChanges({ filter });
const all = await reader.getFilterLogs({ filter });
let confirmed;
reader.waitForTransactionReceipt({ hash, confirmations: 2 }).then((receipt) => (confirmed = receipt));
while (!confirmed) await reader.waitForTransactionReceipt({ hash: await move() });
const calls = [{ to: address, abi, functionName: "move", args: [1n] }, { to: account, value: 1n }];
const simulated = await reader.simulateCalls({ account, calls, traceAssetChanges: true });
// Sent and waited for in one call, as viem does for those who ask it to.
const own = createWalletClient({ ...settings, account: privateKeyToAccount(generatePrivateKey()), transport: http(url) });
await sender.sendTransactionSync({ account, to: own.account.address, value: 10n ** 18n });
const sync = await own.sendTransactionSync({ to: account, value: 1n, timeout: 60_000 });
const contracts = ["value", "refuse"].map((functionName) => ({ address, abi, functionName }));

const polled = await allHeard(reader);
const pushed = await allHeard(socket);
// A subscription that outlives its connection.
const blocks = [];
socket.watchBlockNumber({ onBlockNumber: (number) => blocks.push(number), onError: () => {} });
while (blocks.length === 0) await reader.waitForTransactionReceipt({ hash: await move() });
for (const line of lines) line.destroy();
blocks.length = 0;
while (blocks.length === 0) await reader.waitForTransactionReceipt({ hash: await move() });

console.log(
  JSON.stringify({
    filter: [changes.length, all.length, await reader.uninstallFilter({ filter })],
    pendingLogs: (await reader.getLogs({ fromBlock: "pending", toBlock: "pending" })).length,
    fees: Object.keys(await reader.estimateFeesPerGas()).sort(),
    history: (await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [25, 75] })).reward.length,
    confirmed: confirmed.status,
    multicall: (await reader.multicall({ contracts, deployless: true })).map(({ status }) => status),
    simulated: simulated.results.map(({ status }) => status),
    polled,
    pushed,
    reconnected: true,
    sync: sync.status,
    ens: await nameOf(reader.getEnsAddress({ name: "a.eth" })),
    missing: [
      await nameOf(reader.getTransaction({ hash: `0x${"00".repeat(32)}` })),
      await nameOf(reader.getBlock({ blockNumber: 2n ** 40n })),
    ],
  }),
);
process.exit(0); // the websocket client keeps the process alive
