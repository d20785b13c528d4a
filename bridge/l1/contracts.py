"""The functions and events of our L1 contracts that the node uses, by their ABI signatures."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from bridge.contracts import artifact
from bridge.l1.abi import Function, error_names, event_topic

# Inbox

APPEND_BATCH: Final = Function("appendBatch(bytes)")
APPEND_BATCH_AT: Final = Function("appendBatchAt(bytes,uint256)")
FORCE_TRANSACTION: Final = Function("forceTransaction(bytes)")
TICK: Final = Function("tick()")
COUNT: Final = Function("count()", ("uint256",))
ACC: Final = Function("acc(uint256)", ("bytes32",))
DEPOSITS: Final = Function("deposits()", ("uint256",))
LAST_BATCH_TIME: Final = Function("lastBatchTime()", ("uint256",))
WINDOW: Final = Function("window()", ("uint256",))
SEQUENCER: Final = Function("sequencer()", ("address",))

ITEM_APPENDED: Final = event_topic("ItemAppended(uint256,uint8,address,bytes32,bytes)")
"""index, kind and sender are indexed; acc and data are not."""

# Portal

WITHDRAWAL: Final = "(uint256,address,address,uint256,uint256,bytes)"
"""struct Withdrawal{nonce, sender, target, value, gasLimit, data}."""

DEPOSIT_TRANSACTION: Final = Function("depositTransaction(address,uint256,uint64,bool,bytes)")
DEPOSIT_TOKEN: Final = Function("depositToken(address,uint256,uint64)")
DEPOSIT_GAS_PRICE: Final = Function("depositGasPrice()", ("uint256",))
FUND_ESCROW: Final = Function("fundEscrow()")
BOUNDARY: Final = (
    f"(uint256,bytes32,uint256,{','.join(['bytes32'] * 4)},{','.join(['uint256'] * 5)})"
)
"""struct Boundary, twelve words; `bridge.boundary.Boundary.encode` writes them."""

PROVE_WITHDRAWAL: Final = Function(f"proveWithdrawal({WITHDRAWAL},address,{BOUNDARY},bytes[])")
PROVEN_WITHDRAWALS: Final = Function("provenWithdrawals(bytes32)", ("address", "uint64"))
FINALITY_DELAY: Final = Function("finalityDelay()", ("uint256",))
FINALIZE_WITHDRAWAL: Final = Function(f"finalizeWithdrawal({WITHDRAWAL})")
FINALIZED_WITHDRAWALS: Final = Function("finalizedWithdrawals(bytes32)", ("bool",))

# Rollup

PROPOSE: Final = Function("propose(bytes32,uint256,uint256,bytes32)", ("address",))
ANCHOR: Final = Function("anchor()", ("bytes32", "uint256"))
GAME_COUNT: Final = Function("gameCount()", ("uint256",))
GAME_AT: Final = Function("gameAt(uint256)", ("address",))
BOND: Final = Function("bond()", ("uint256",))
DISPUTE_WINDOW: Final = Function("disputeWindow()", ("uint256",))
CLOCK_EXTENSION: Final = Function("clockExtension()", ("uint256",))
PAYOUT_DELAY: Final = Function("payoutDelay()", ("uint256",))

PROPOSED: Final = event_topic("Proposed(address,bytes32,uint256,address)")
"""game, outputRoot and l2Block are indexed; proposer is not."""

# DisputeGame

ROOT_CLAIM: Final = Function("rootClaim()", ("bytes32",))
L2_BLOCK: Final = Function("l2Block()", ("uint256",))
CREATED_AT: Final = Function("createdAt()", ("uint256",))
PROPOSER: Final = Function("proposer()", ("address",))
RESOLVABLE_AT: Final = Function("resolvableAt()", ("uint256",))
RESOLVED_AT: Final = Function("resolvedAt()", ("uint256",))
PAYABLE_AT: Final = Function("payableAt()", ("uint256",))
STATUS: Final = Function("status()", ("uint8",))
CLAIM_COUNT: Final = Function("claimCount()", ("uint256",))
GAME_ARGS: Final = Function(
    "args()",
    (
        "(address,address,bytes32,uint256,uint256,bytes32,bytes32,uint256,uint256,uint256,uint256,"
        "uint256,uint256)",
    ),
)
"""struct GameArgs{rollup, proposer, rootClaim, l2Block, inboxCount, inboxAcc, anchorRoot,
anchorBlock, createdAt, clock, clockExtension, payoutDelay, bond}."""
CLAIMS_FROM: Final = Function(
    "claimsFrom(uint256,uint256)",
    ("(uint32,address,bool,address,uint96,bytes32,uint128,uint64,uint64)[]",),
)
"""struct Claim{parentIndex, counteredBy, resolved, claimant, bond, claim, position, clockUsed,
madeAt}."""
MAX_DEPTH: Final = Function("maxDepth()", ("uint256",))
PROVER: Final = Function("prover()", ("address",))
BOND_AT: Final = Function("bondAt(uint256)", ("uint256",))
EXPIRY_OF: Final = Function("expiryOf(uint256)", ("uint256",))
MOVE: Final = Function("move(uint256,bytes32,bytes32,bool)", ("uint256",))
STEP: Final = Function("step(uint256,bool,bytes)")
RESOLVE_CLAIM: Final = Function("resolveClaim(uint256,uint256)")
RESOLVE: Final = Function("resolve()")
CREDIT: Final = Function("credit(address)", ("uint256",))
CLAIM_CREDIT: Final = Function("claimCredit(address)")

# ERC-20

APPROVE: Final = Function("approve(address,uint256)", ("bool",))
BALANCE_OF: Final = Function("balanceOf(address)", ("uint256",))

L1_CONTRACTS: Final = ("Inbox", "Portal", "Rollup", "DisputeGame", "TestUSD")


@cache
def l1_errors() -> Mapping[bytes, str]:
    """Signatures of all custom errors of our L1 contracts, by selector."""
    names: dict[bytes, str] = {}
    for contract in L1_CONTRACTS:
        names |= error_names(artifact(contract).abi)
    return names
