"""The hash of a chain configuration, which every output root commits to."""

from typing import Final

from genesis.config import ChainConfig, ExecutionRules, Layer
from state.keccak import keccak
from state.types import Hash32

CONFIG_TAG: Final = keccak(b"tallystick.config.v1")
"""Domain of the hash, so that it is mistaken for no other commitment."""

_LAYERS: Final = {Layer.L1: 1, Layer.L2: 2}


def config_hash(config: ChainConfig) -> Hash32:
    """keccak of the domain tag and of each field as one word (`abi.encode` of static types)."""
    return keccak(CONFIG_TAG + b"".join(config_words(config)))


def config_words(config: ChainConfig) -> tuple[bytes, ...]:
    """The words behind the tag, which a proof on L1 opens the hash with.

    Field by field in the order of the dataclass; a test holds that none is forgotten. An absent
    transaction gas cap is the word 2^256-1, which no cap can be.
    """
    return (
        keccak(config.name.encode()),
        _word(_LAYERS[config.layer]),
        _word(config.chain_id),
        _word(config.genesis_time),
        _word(config.block_gas_limit),
        _word(config.initial_base_fee),
        _address_word(config.coinbase),
        *_rule_words(config.rules),
        _word(config.derivation.drift_seconds),
        _word(config.derivation.window_seconds),
        _address_word(config.inbox),
        _address_word(config.portal),
        _word(config.minimum_block_seconds),
        _word(config.public),
    )


def _rule_words(rules: ExecutionRules) -> tuple[bytes, ...]:
    cap = rules.transaction_gas_cap
    return (
        _word(2**256 - 1 if cap is None else cap),
        _word(rules.bounded_inputs),
        _word(rules.calldata_floor),
        _word(rules.deposits),
    )


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _address_word(value: bytes) -> bytes:
    return value.rjust(32, b"\0")
