// What a user of viem does with a node that signs. Arguments: RPC URL, Counter's address, artifact.
import { readFileSync } from "node:fs";
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  verifyMessage,
  verifyTypedData,
} from "viem";

const [url, address, artifactPath] = process.argv.slice(2);
const { abi } = JSON.parse(readFileSync(artifactPath, "utf8"));
const id = await createPublicClient({ transport: http(url) }).getChainId();
const chain = defineChain({
  id,
  name: "chain under test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const settings = { chain, transport: http(url), pollingInterval: 50, cacheTime: 0 };
const reader = createPublicClient(settings);
const sender = createWalletClient(settings);
const account = (await sender.getAddresses())[2];
const move = { address, abi, functionName: "move" };

const hash = await sender.writeContract({ ...move, args: [2n], account });
const moved = await reader.waitForTransactionReceipt({ hash });
const signature = await sender.signMessage({ account, message: "hello" });
const typed = {
  domain: { name: "Counter", version: "1", chainId: 1, verifyingContract: address },
  types: { Move: [{ name: "by", type: "int256" }, { name: "notes", type: "Note[]" }], Note: [{ name: "text", type: "string" }] },
  primaryType: "Move",
  message: { by: -7n, notes: [{ text: "hello" }] },
};
const typedSignature = await sender.signTypedData({ account, ...typed });
const pending = await reader.getBlock({ blockTag: "pending" });
const [simulated] = await reader.simulateBlocks({
  blocks: [{ calls: [{ to: address, abi, functionName: "move", args: [3n], account }] }],
});
const { accessList } = await reader.createAccessList({ account, to: address, data: "0x3fa4f245" });
const proof = await reader.getProof({ address, storageKeys: ["0x" + "00".repeat(32)] });
const value = await reader.readContract({ address, abi, functionName: "value" });
const overridden = await reader.readContract({
  address,
  abi,
  functionName: "value",
  stateOverride: [
    { address, stateDiff: [{ slot: "0x" + "00".repeat(32), value: "0x" + "07".padStart(64, "0") }] },
  ],
});

console.log(
  JSON.stringify({
    sent: moved.status === "success" ? 1 : 0,
    signed: await verifyMessage({ address: account, message: "hello", signature }),
    signedTyped: await verifyTypedData({ address: account, ...typed, signature: typedSignature }),
    pendingIsNext: pending.number === (await reader.getBlockNumber()) + 1n && pending.hash === null,
    simulated: [simulated.calls[0].status === "success" ? "0x1" : "0x0", simulated.calls[0].logs.length],
    proven: proof.storageProof[0].value === value,
    listed: accessList.length === 1,
    overridden: Number(overridden),
  }),
);
