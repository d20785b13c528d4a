// What a user of ethers does now and then. Arguments: RPC URL, websocket URL, Counter's address,
// artifact. Prints what it saw as one line of JSON; any surprise ends it with an error.
import { readFileSync } from "node:fs";
import { Contract, JsonRpcProvider, WebSocketProvider, id, zeroPadValue } from "ethers";

const [url, wsUrl, address, artifactPath] = process.argv.slice(2);
const { abi } = JSON.parse(readFileSync(artifactPath, "utf8"));
const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
const socket = new WebSocketProvider(wsUrl, undefined, { cacheTimeout: -1 });
const signer = await provider.getSigner(1);
const counter = new Contract(address, abi, signer);
const move = async () => (await counter.move(2n)).hash;
const first = await provider.waitForTransaction(await move());

const moved = id("Moved(address,int256,int256)");
const who = zeroPadValue(signer.address, 32);
const count = async (topics) => (await provider.getLogs({ address, topics, fromBlock: 0 })).length;
const filters = [[moved], [null, who], [[id("Other()"), moved], [who]], [], null, [id("Other()")]];
const logs = [];
for (const topics of filters) logs.push(await count(topics));

// An event that is waited for: the listener is there before what it is to hear of.
const heard = (source, event) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing heard of ${JSON.stringify(event)}`)), 60_000);
    let done = false;
    const listening = source.once(event, () => {
      done = true;
      clearTimeout(timer);
      resolve(true);
    });
    listening.then(async () => {
      while (!done) await (await counter.move(2n)).wait();
    }, reject);
  });

const refusal = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    return error.code;
  }
};
const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
let confirmed;
provider.waitForTransaction(await move(), 2, 60_000).then((receipt) => (confirmed = receipt));
while (!confirmed) await provider.waitForTransaction(await move());

console.log(
  JSON.stringify({
    logs,
    inBlock: (await provider.getLogs({ blockHash: first.blockHash, address: [address] })).length,
    pendingLogs: (await provider.getLogs({ fromBlock: "pending" })).length,
    fees: gasPrice > 0n && maxFeePerGas > maxPriorityFeePerGas,
    confirmed: confirmed.status,
    polled: [
      await heard(provider, "block"),
      await heard(provider, "pending"),
      await heard(provider, { address, topics: [moved] }),
    ],
    pushed: [
      await heard(socket, "block"),
      await heard(socket, "pending"),
      await heard(socket, { address, topics: [moved, who] }),
    ],
    batch: new Set(await Promise.all(Array.from({ length: 50 }, () => provider.getBalance(address)))).size,
    ens: [await refusal(provider.resolveName("a.eth")), await refusal(provider.lookupAddress(address))],
    missing: [await provider.getTransaction(id("none")), await provider.getBlock(2 ** 40)],
    pendingHash: (await provider.getBlock("pending")).hash,
  }),
);
process.exit(0); // the websocket keeps the process alive
