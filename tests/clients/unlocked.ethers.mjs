// What a user of ethers does with a node that signs. Arguments: RPC URL, Counter's address, artifact.
import { readFileSync } from "node:fs";
import { Contract, JsonRpcProvider, verifyMessage, verifyTypedData } from "ethers";

const [url, address, artifactPath] = process.argv.slice(2);
const { abi } = JSON.parse(readFileSync(artifactPath, "utf8"));
const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
const signer = await provider.getSigner(1);
const counter = new Contract(address, abi, signer);
const moved = await (await counter.move(2n)).wait();
const signature = await signer.signMessage("hello");
const typed = [
  { name: "Counter", version: "1", chainId: 1n, verifyingContract: address },
  { Move: [{ name: "by", type: "int256" }, { name: "notes", type: "Note[]" }], Note: [{ name: "text", type: "string" }] },
  { by: -7n, notes: [{ text: "hello" }] },
];
const typedSignature = await signer.signTypedData(...typed);
const pending = await provider.send("eth_getBlockByNumber", ["pending", false]);
const request = await counter.move.populateTransaction(3n);
const [simulated] = await provider.send("eth_simulateV1", [{ blockStateCalls: [{ calls: [request] }] }]);
const proof = await provider.send("eth_getProof", [address, ["0x0"], "latest"]);

console.log(
  JSON.stringify({
    sent: moved.status,
    signed: verifyMessage("hello", signature) === signer.address,
    signedTyped: verifyTypedData(...typed, typedSignature) === signer.address,
    pendingIsNext: Number(pending.number) === (await provider.getBlockNumber()) + 1,
    simulated: [simulated.calls[0].status, simulated.calls[0].logs.length],
    proven: Number(proof.storageProof[0].value) === Number(await counter.value()),
  }),
);
provider.destroy();
