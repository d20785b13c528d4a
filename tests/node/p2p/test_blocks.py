"""Signed blocks: what is read, and what is refused and why."""

import msgspec
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from bridge.l1.accounts import Operator
from node.p2p.blocks import (
    BlockDomain,
    SignedBlock,
    SignedClaim,
    decode_signed_block,
    encode_signed_block,
)
from node.p2p.errors import InvalidMessage, MessageTooLarge, WrongSignature
from node.p2p.limits import BLOCK_MESSAGE_BYTES_MAX
from state.batch_codec import COMPRESSED, RAW, encode_block
from state.lz4 import compress
from tests.node.p2p.rig import DOMAIN
from tests.node.p2p.signing import signed_block


def test_signed_block_encoded_reads_back() -> None:
    block = signed_block()
    again = decode_signed_block(encode_signed_block(block), DOMAIN)
    assert again == block
    assert again.content.transactions == (b"one", b"two")


def test_signature_is_that_of_eip_712() -> None:
    claim = signed_block().claim
    message = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "salt", "type": "bytes32"},
            ],
            "Block": [
                {"name": "number", "type": "uint64"},
                {"name": "parent", "type": "bytes32"},
                {"name": "hash", "type": "bytes32"},
                {"name": "anchor", "type": "uint64"},
                {"name": "accumulator", "type": "bytes32"},
                {"name": "payload", "type": "bytes32"},
            ],
        },
        "primaryType": "Block",
        "domain": {
            "name": "Tallystick blocks",
            "version": "1",
            "chainId": DOMAIN.chain_id,
            "salt": DOMAIN.genesis,
        },
        "message": msgspec.structs.asdict(claim),
    }
    signable = encode_typed_data(full_message=message)
    signer = Account.recover_message(signable, signature=_ethereum(signed_block()))
    assert bytes.fromhex(signer[2:]) == DOMAIN.sequencer


def _ethereum(block: SignedBlock) -> bytes:
    signature = block.signed.signature
    return signature[:64] + bytes([27 + signature[64]])


def test_block_of_another_key_is_refused() -> None:
    block = signed_block()
    stranger = Operator(b"\x09" * 32)
    forged = SignedBlock(
        SignedClaim(block.claim, stranger.sign_digest(block.claim.digest(DOMAIN))), block.packed
    )
    with pytest.raises(WrongSignature, match="not the sequencer"):
        decode_signed_block(encode_signed_block(forged), DOMAIN)


@pytest.mark.parametrize(
    "domain",
    [
        BlockDomain(DOMAIN.chain_id + 1, DOMAIN.genesis, DOMAIN.sequencer),
        BlockDomain(DOMAIN.chain_id, b"\5" * 32, DOMAIN.sequencer),
    ],
    ids=["chain id", "genesis"],
)
def test_block_of_another_chain_is_refused(domain: BlockDomain) -> None:
    with pytest.raises(WrongSignature):
        decode_signed_block(encode_signed_block(signed_block()), domain)


def test_content_that_was_not_signed_is_refused() -> None:
    other = signed_block(transactions=(b"another",))
    mixed = SignedBlock(signed_block().signed, other.packed)
    with pytest.raises(WrongSignature, match="isn't what was signed"):
        decode_signed_block(encode_signed_block(mixed), DOMAIN)


def test_content_in_either_codec_is_the_same_block() -> None:
    block = signed_block(transactions=(b"a" * 500,))
    payload = encode_block(block.content)
    for packed in (bytes([RAW]) + payload, bytes([COMPRESSED]) + compress(payload)):
        sent = encode_signed_block(SignedBlock(block.signed, packed))
        assert decode_signed_block(sent, DOMAIN).content == block.content


def test_bomb_signed_by_the_sequencer_stops_at_the_decoders_limit() -> None:
    """16 MB in 64 KB: a literal, and one match as long as the bytes can say."""
    bomb = bytes([COMPRESSED]) + b"\x1f\x00\x01\x00" + b"\xff" * 65_000 + b"\x00"
    block = SignedBlock(signed_block().signed, bomb)
    with pytest.raises(InvalidMessage, match="above 262144"):
        decode_signed_block(encode_signed_block(block), DOMAIN)


def test_message_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(MessageTooLarge):
        decode_signed_block(bytes(BLOCK_MESSAGE_BYTES_MAX + 1), DOMAIN)


@pytest.mark.parametrize(
    "changes",
    [{"number": 0}, {"number": 2**64}, {"hash": b"short"}, {"anchor": 2**64}, {"parent": b""}],
    ids=str,
)
def test_claim_out_of_its_types_is_refused(changes: dict[str, object]) -> None:
    block = signed_block()
    claim = msgspec.structs.replace(block.claim, **changes)
    wrong = SignedBlock(SignedClaim(claim, block.signed.signature), block.packed)
    with pytest.raises(InvalidMessage):
        decode_signed_block(msgspec.msgpack.encode(wrong) if _fits(wrong) else b"", DOMAIN)


def _fits(block: SignedBlock) -> bool:
    return block.claim.number < 2**64 and block.claim.anchor < 2**64


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        decode_signed_block(data, DOMAIN)


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    encoded = bytearray(encode_signed_block(signed_block()))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidMessage):
        decode_signed_block(bytes(encoded), DOMAIN)


def test_domain_depends_on_everything_but_the_signer() -> None:
    others = (replace_domain(chain_id=5), replace_domain(genesis=b"\7" * 32))
    assert DOMAIN.separator not in {other.separator for other in others}
    assert replace_domain(sequencer=b"\7" * 20).separator == DOMAIN.separator


def replace_domain(**changes: object) -> BlockDomain:
    fields = {
        "chain_id": DOMAIN.chain_id,
        "genesis": DOMAIN.genesis,
        "sequencer": DOMAIN.sequencer,
    }
    return BlockDomain(**fields | changes)  # type: ignore[arg-type]
