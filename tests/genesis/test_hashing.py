"""Every field of a configuration counts in its hash."""

from dataclasses import fields, replace

from genesis.config import ChainConfig, DerivationConfig, ExecutionRules, Layer
from genesis.hashing import config_hash
from genesis.networks import devnet_l2
from state.types import Address, Gas, Timestamp, Wei

CONFIG = devnet_l2(Timestamp(1_700_000_000), Address(b"\x01" * 20), Address(b"\x02" * 20))

CHANGED = {
    "name": "another",
    "layer": Layer.L1,
    "chain_id": 7,
    "genesis_time": Timestamp(1),
    "block_gas_limit": Gas(29_000_000),
    "initial_base_fee": Wei(1),
    "coinbase": Address(b"\x03" * 20),
    "rules": replace(CONFIG.rules, bounded_inputs=False),
    "derivation": DerivationConfig(window_seconds=1),
    "inbox": Address(b"\x04" * 20),
    "portal": Address(b"\x05" * 20),
    "minimum_block_seconds": 2,
    "public": True,
}


def test_equal_configurations_hash_equally() -> None:
    again = devnet_l2(Timestamp(1_700_000_000), Address(b"\x01" * 20), Address(b"\x02" * 20))
    assert config_hash(again) == config_hash(CONFIG)


def test_every_field_changes_the_hash() -> None:
    assert set(CHANGED) == {f.name for f in fields(ChainConfig)}, "hash the new field too"
    roomy = replace(CONFIG, minimum_block_seconds=60)
    for name, value in CHANGED.items():
        assert config_hash(replace(roomy, **{name: value})) != config_hash(roomy), name


def test_every_rule_changes_the_hash() -> None:
    values = {
        "transaction_gas_cap": None,
        "bounded_inputs": False,
        "calldata_floor": True,
        "deposits": False,
    }
    assert set(values) == {f.name for f in fields(ExecutionRules)}, "hash the new rule too"
    for name, value in values.items():
        rules = replace(CONFIG.rules, **{name: value})
        assert config_hash(replace(CONFIG, rules=rules)) != config_hash(CONFIG), name


def test_every_derivation_limit_changes_the_hash() -> None:
    for field in fields(DerivationConfig):
        derivation = replace(CONFIG.derivation, **{field.name: 17})
        assert config_hash(replace(CONFIG, derivation=derivation)) != config_hash(CONFIG)


def test_hash_is_pinned() -> None:
    """Another hash is another chain: change it knowingly."""
    plain = ChainConfig("pinned", Layer.L2, 1, Timestamp(0))
    assert (
        config_hash(plain).hex()
        == "09147e23cb03f1b02265292c7129e8db7435673fe9e9e0c7c5e3b8364f7a377a"
    )
