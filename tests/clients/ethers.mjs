// What a user of ethers does first. Arguments: RPC URL, websocket URL, private key, recipient,
// artifact. Prints what it saw as one line of JSON; any surprise ends it with an error.
import { readFileSync } from "node:fs";
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider } from "ethers";

const [url, wsUrl, key, recipient, artifactPath] = process.argv.slice(2);
const artifact = JSON.parse(readFileSync(artifactPath, "utf8"));
const options = { cacheTimeout: -1, pollingInterval: 50 };
const provider = new JsonRpcProvider(url, undefined, options);
const wallet = new Wallet(key, provider);
const signer = new NonceManager(wallet);

const network = await provider.getNetwork();
const before = await provider.getBalance(recipient);
const balance = await provider.getBalance(wallet.address);

const { gasPrice } = await provider.getFeeData();
const legacy = await (await signer.sendTransaction({ to: recipient, value: 1000n, type: 0, gasPrice })).wait();
const feeMarket = await (await signer.sendTransaction({ to: recipient, value: 2000n })).wait();
const after = await provider.getBalance(recipient);

const factory = new ContractFactory(artifact.abi, artifact.bytecode, signer);
const deployed = await factory.deploy(5n);
await deployed.waitForDeployment();
const counter = new Contract(await deployed.getAddress(), artifact.abi, signer);
const moved = await (await counter.move(-7n)).wait();
const logs = await counter.queryFilter("Moved", moved.blockNumber, moved.blockNumber);
const mine = logs.filter((log) => log.transactionHash === moved.hash);

let reason, customError;
try {
  await counter.refuse.staticCall();
} catch (error) {
  reason = error.reason;
}
try {
  await counter.move.estimateGas(0n);
} catch (error) {
  customError = counter.interface.parseError(error.data).name;
}

const block = await provider.getBlock(moved.blockNumber, true);
const fetched = await provider.getTransaction(legacy.hash);

const socket = new WebSocketProvider(wsUrl, undefined, { cacheTimeout: -1 });
const seen = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no Moved event over the websocket")), 60_000).unref();
  new Contract(counter.target, artifact.abi, socket).on("Moved", (who, by) => resolve(by));
});
await socket.getBlockNumber();
await (await counter.move(1n)).wait();
const pushed = await seen;
await socket.destroy();

console.log(
  JSON.stringify({
    chainId: Number(network.chainId),
    hasBalance: balance > 0n,
    received: Number(after - before),
    legacy: [legacy.type, legacy.status],
    feeMarket: [feeMarket.type, feeMarket.status],
    legacyType: fetched.type,
    deployedCode: (await provider.getCode(counter.target)) !== "0x",
    value: Number(await counter.value()),
    events: mine.map((log) => [log.args[0] === wallet.address, Number(log.args[1]), Number(log.args[2])]),
    reason,
    customError,
    inBlock: block.prefetchedTransactions.some((tx) => tx.hash === moved.hash),
    pushed: Number(pushed),
  }),
);
provider.destroy();
