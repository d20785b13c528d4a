// What a user of viem does first. Arguments: RPC URL, websocket URL, private key, recipient,
// artifact. Prints what it saw as one line of JSON; any surprise ends it with an error.
import { readFileSync } from "node:fs";
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  webSocket,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [url, wsUrl, key, recipient, artifactPath] = process.argv.slice(2);
const { abi, bytecode } = JSON.parse(readFileSync(artifactPath, "utf8"));
const account = privateKeyToAccount(key);

const chainId = await createPublicClient({ transport: http(url) }).getChainId();
const chain = defineChain({
  id: chainId,
  name: "chain under test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url], webSocket: [wsUrl] } },
});
const settings = { chain, pollingInterval: 50, cacheTime: 0 };
const reader = createPublicClient({ ...settings, transport: http(url, { batch: true }) });
const sender = createWalletClient({ ...settings, account, transport: http(url) });
const mined = (hash) => reader.waitForTransactionReceipt({ hash });

const before = await reader.getBalance({ address: recipient });
const balance = await reader.getBalance({ address: account.address });
const gasPrice = await reader.getGasPrice();
const legacy = await mined(await sender.sendTransaction({ to: recipient, value: 1000n, type: "legacy", gasPrice }));
const feeMarket = await mined(await sender.sendTransaction({ to: recipient, value: 2000n }));
const after = await reader.getBalance({ address: recipient });

const deployment = await mined(await sender.deployContract({ abi, bytecode, args: [5n] }));
const counter = { address: deployment.contractAddress, abi };
const { request } = await reader.simulateContract({ ...counter, functionName: "move", args: [-7n], account });
const moved = await mined(await sender.writeContract(request));
const logs = await reader.getContractEvents({
  ...counter,
  eventName: "Moved",
  fromBlock: moved.blockNumber,
  toBlock: moved.blockNumber,
});
const mine = logs.filter((log) => log.transactionHash === moved.transactionHash);

const revertOf = async (work) => {
  try {
    await work;
  } catch (error) {
    if (error instanceof BaseError) {
      return error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    }
    throw error;
  }
};
const refused = await revertOf(reader.readContract({ ...counter, functionName: "refuse" }));
const noStep = await revertOf(
  reader.estimateContractGas({ ...counter, functionName: "move", args: [0n], account }),
);

const block = await reader.getBlock({ blockNumber: moved.blockNumber, includeTransactions: true });
const fetched = await reader.getTransaction({ hash: legacy.transactionHash });

const socket = createPublicClient({ ...settings, transport: webSocket(wsUrl) });
const seen = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no Moved event over the websocket")), 60_000).unref();
  socket.watchContractEvent({
    ...counter,
    eventName: "Moved",
    onLogs: (pushed) => resolve(pushed[0].args.by),
    onError: reject,
  });
});
await socket.getBlockNumber();
await mined(await sender.writeContract({ ...counter, functionName: "move", args: [1n] }));
const pushed = await seen;

console.log(
  JSON.stringify({
    chainId,
    hasBalance: balance > 0n,
    received: Number(after - before),
    legacy: [legacy.type === "legacy" ? 0 : legacy.type, legacy.status === "success" ? 1 : 0],
    feeMarket: [feeMarket.type === "eip1559" ? 2 : feeMarket.type, feeMarket.status === "success" ? 1 : 0],
    legacyType: fetched.type === "legacy" ? 0 : fetched.type,
    deployedCode: (await reader.getCode({ address: counter.address })) !== undefined,
    value: Number(await reader.readContract({ ...counter, functionName: "value" })),
    events: mine.map(({ args }) => [args.who === account.address, Number(args.by), Number(args.now_)]),
    reason: refused?.reason,
    customError: noStep?.data?.errorName,
    inBlock: block.transactions.some((tx) => tx.hash === moved.transactionHash),
    pushed: Number(pushed),
  }),
);
process.exit(0); // the websocket client keeps the process alive
