"""The one-step provers in this process, on revm: for results, never for gas.

The contracts are the ones that L1 runs, with L1's calldata; revm (through pyrevm) executes them in
well under a millisecond, so that hundreds of thousands of steps can be checked.
"""

import re

from eth_abi.abi import decode, encode
from pyrevm import EVM, BlockEnv, CfgEnv, Env

from bridge.contracts import artifact
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from state.errors import Invalid
from state.keccak import keccak
from state.types import ZERO_ADDRESS, Address, Hash32

STEP_SIGNATURE = "step(bytes32,(uint256,uint256,uint256,address),bytes)"
STEP_SELECTOR = keccak(STEP_SIGNATURE.encode())[:4]
STEP_TYPES = ("bytes32", "(uint256,uint256,uint256,address)", "bytes")

CALLER = "0x" + "ca" * 20
GAS = 2**40
"""Gas is not the question here; the cap is L1's, and scripts/bench measures against it."""

_OUTPUT = re.compile(r"output: 0x([0-9a-f]*)")


class ProofRefused(Invalid):
    """The prover reverted; `data` is what it said."""

    def __init__(self, data: bytes, reason: str) -> None:
        self.data = data
        super().__init__(f"the prover refused the witness: 0x{data.hex() or reason}")


class LocalProver:
    """All provers, deployed. Not thread-safe."""

    def __init__(self) -> None:
        self._evm = EVM(env=_environment(), gas_limit=GAS, spec_id="CANCUN")
        self.provers = {name: self._deploy(name) for name in PROVERS}
        """Each verifier's address."""
        types = [f"({','.join(['address'] * len(PROVERS))})"]
        self.address = self._deploy(ONE_STEP_PROVER, encode(types, [tuple(self.provers.values())]))

    def _deploy(self, name: str, arguments: bytes = b"") -> Address:
        code = artifact(name).bytecode + arguments
        return Address(bytes.fromhex(self._evm.deploy(CALLER, code)[2:]))

    def step(
        self,
        before: Hash32,
        witness: bytes,
        *,
        trace_index: int = 0,
        l2_block: int = 0,
        inbox_count: int = 0,
        inbox: Address = ZERO_ADDRESS,
    ) -> Hash32:
        """What the provers say that follows `before`. Raises `ProofRefused`."""
        context = (trace_index, l2_block, inbox_count, inbox)
        data = STEP_SELECTOR + encode(STEP_TYPES, (before, context, witness))
        try:
            answer = self._evm.message_call(
                CALLER, "0x" + self.address.hex(), calldata=data, gas=GAS, is_static=True
            )
        except RuntimeError as error:
            found = _OUTPUT.search(str(error))
            reverted = bytes.fromhex(found.group(1)) if found else b""
            raise ProofRefused(reverted, str(error)[:200]) from None
        return Hash32(decode(["bytes32"], bytes(answer))[0])


def _environment() -> Env:
    return Env(cfg=CfgEnv(), block=BlockEnv(timestamp=1))
