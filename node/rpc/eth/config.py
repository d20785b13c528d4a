"""`eth_config`: the rules of the chain, for whoever checks that nodes agree (EIP-7910)."""

from typing import Final
from zlib import crc32

from execution.evm.precompiles import PRECOMPILES
from genesis import predeploys
from genesis.config import Layer
from node.rpc.backend import Backend
from node.rpc.codec import data, quantity
from node.rpc.dispatch import method
from node.rpc.errors import CallFailed
from node.rpc.format import Json
from state.types import BlockNumber

_PRECOMPILE_NAMES: Final = (
    "ECREC",
    "SHA256",
    "RIPEMD160",
    "ID",
    "MODEXP",
    "BN254_ADD",
    "BN254_MUL",
    "BN254_PAIRING",
    "BLAKE2F",
    "KZG_POINT_EVALUATION",
)
"""EIP-7910's names of Cancun's precompiles, in the order of their addresses."""

_PREDEPLOYS: Final = {
    "L2_CROSS_DOMAIN_MESSENGER": predeploys.L2_CROSS_DOMAIN_MESSENGER,
    "L1_BLOCK": predeploys.L1_BLOCK,
    "L2_TO_L1_MESSAGE_PASSER": predeploys.L2_TO_L1_MESSAGE_PASSER,
    "COLLATERAL_TOKEN": predeploys.COLLATERAL_TOKEN,
    "GOVERNANCE": predeploys.GOVERNANCE,
    "CLEARING_HOUSE": predeploys.CLEARING_HOUSE,
}
"""What an L2 has as system contracts. Ethereum's own (EIP-4788 and later) are on neither chain."""

_CANCUN_UPDATE_FRACTION: Final = 3_338_477
"""BLOB_BASE_FEE_UPDATE_FRACTION (EIP-4844), which applies to no block: there are no blobs."""


class ConfigMethods:
    """One fork, from genesis on."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_config")
    async def config(self) -> Json:
        """The rules in force; no others are planned."""
        config = self._backend.config
        genesis = self._backend.store.block_id(BlockNumber(0))
        if genesis is None:
            raise CallFailed("unable to load genesis")
        current = {
            "activationTime": 0,
            "blobSchedule": {
                "baseFeeUpdateFraction": _CANCUN_UPDATE_FRACTION,
                "max": 0,
                "target": 0,
            },
            "chainId": quantity(config.chain_id),
            # EIP-6122: no fork comes after genesis, so the checksum is that of its hash alone.
            "forkId": data(crc32(genesis.hash).to_bytes(4, "big")),
            "precompiles": {
                name: data(address)
                for name, address in zip(_PRECOMPILE_NAMES, PRECOMPILES, strict=True)
            },
            "systemContracts": {
                name: data(address)
                for name, address in _PREDEPLOYS.items()
                if config.layer is Layer.L2
            },
        }
        return {"current": current, "next": None, "last": None}
