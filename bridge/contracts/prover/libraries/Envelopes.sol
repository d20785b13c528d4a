// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L1Precompiles} from "./L1Precompiles.sol";
import {Rlp} from "./Rlp.sol";
import {RlpList, RlpLists} from "./RlpLists.sol";
import {Tx} from "./Transactions.sol";

/// @notice The parts of an envelope that aren't words: where in calldata they begin and end.
struct EnvelopeParts {
    uint256 dataStart;
    uint256 dataEnd;
    uint256 accessesStart;
    uint256 accessesEnd;
}

/// @title  Transactions on the wire
/// @notice Strict decoding, and recovery of the sender: EIP-155, 2718, 2930, 1559, EIP-2's low s, and the
///         OP Stack's deposit. Whatever the bytes, there is a verdict and no revert.
library Envelopes {
    using RlpLists for RlpList;

    uint256 internal constant LEGACY = 0;
    uint256 internal constant ACCESS_LIST = 1;
    uint256 internal constant FEE_MARKET = 2;
    uint256 internal constant DEPOSIT = 0x7e;

    /// @dev A legacy transaction is a bare list, whose first byte is at least this (EIP-2718).
    uint256 private constant FIRST_LIST_BYTE = 0xc0;

    /// @dev Before EIP-155: v = 27 + parity. Since then: v = 35 + 2 * chain id + parity.
    uint256 private constant UNPROTECTED_V = 27;
    uint256 private constant PROTECTED_V = 35;

    /// @dev Half of the order of secp256k1's group (EIP-2).
    uint256 private constant HIGHEST_S =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Decodes an envelope of types 0 to 2.
    /// @return ok Whether that is one, signed for this chain.
    function decode(uint256 start, uint256 end, uint256 chainId)
        internal
        view
        returns (bool ok, Tx memory t, EnvelopeParts memory parts)
    {
        if (start == end) return (false, t, parts);
        uint256 first = _byteAt(start);
        if (first < FIRST_LIST_BYTE) {
            if (first != ACCESS_LIST && first != FEE_MARKET) return (false, t, parts);
            t.txType = first;
            ++start;
        }
        RlpList memory items = RlpLists.open(start, end);
        uint256 content = items.position;
        bool isOfChain = t.txType == LEGACY || items.number(256) == chainId;
        _fields(items, t, parts);
        uint256 unsignedEnd = items.position;
        uint256 v = items.number(256);
        uint256 r = items.number(256);
        uint256 s = items.number(256);
        if (!items.isWhole() || !isOfChain || r == 0 || s == 0 || s > HIGHEST_S) {
            return (false, t, parts);
        }
        bytes memory appended;
        (ok, v, appended) = t.txType == LEGACY ? _legacyV(v, chainId) : _parity(v);
        if (!ok) return (false, t, parts);
        bytes32 digest = _digest(t.txType, content, unsignedEnd, appended);
        t.sender = uint160(L1Precompiles.recover(digest, v, r, s));
        ok = t.sender != 0;
    }

    /// @notice Decodes a deposit, which has no signature: L1 vouches for it.
    function decodeDeposit(uint256 start, uint256 end)
        internal
        pure
        returns (bool, Tx memory t, EnvelopeParts memory parts)
    {
        if (start == end || _byteAt(start) != DEPOSIT) return (false, t, parts);
        t.txType = DEPOSIT;
        RlpList memory items = RlpLists.open(start + 1, end);
        items.sized(32);
        t.sender = items.sized(20);
        _recipient(items, t);
        t.mint = items.number(256);
        t.value = items.number(256);
        t.gasLimit = items.number(64);
        items.number(1);
        (parts.dataStart, parts.dataEnd) = items.text();
        return (items.isWhole(), t, parts);
    }

    /// @dev What a signature covers, from the nonce on. `tip` holds the priority fee: of a transaction with one
    ///      price it is that.
    function _fields(RlpList memory items, Tx memory t, EnvelopeParts memory parts) private pure {
        t.nonce = items.number(64);
        t.tip = items.number(256);
        t.feeCap = t.txType == FEE_MARKET ? items.number(256) : t.tip;
        t.gasLimit = items.number(64);
        _recipient(items, t);
        t.value = items.number(256);
        (parts.dataStart, parts.dataEnd) = items.text();
        if (t.txType != LEGACY) (parts.accessesStart, parts.accessesEnd) = items.list();
    }

    /// @dev An address, or nothing: that is a creation.
    function _recipient(RlpList memory items, Tx memory t) private pure {
        bool isCall;
        (isCall, t.recipient) = items.optional(20);
        t.isCreation = isCall ? 0 : 1;
    }

    /// @dev The v that EIP-155 makes of parity and chain id; with one, what it appends to what is signed.
    function _legacyV(uint256 v, uint256 chainId)
        private
        pure
        returns (bool ok, uint256 plain, bytes memory appended)
    {
        if (v == UNPROTECTED_V || v == UNPROTECTED_V + 1) return (true, v, "");
        if (v < PROTECTED_V || (v - PROTECTED_V) / 2 != chainId) return (false, 0, "");
        appended = bytes.concat(Rlp.encodeNumber(chainId), hex"8080");
        return (true, UNPROTECTED_V + (v - PROTECTED_V) % 2, appended);
    }

    function _parity(uint256 v) private pure returns (bool, uint256, bytes memory) {
        return v > 1 ? (false, v, bytes("")) : (true, UNPROTECTED_V + v, bytes(""));
    }

    /// @dev What was signed: type, and the list of the fields before the signature, as they stand.
    function _digest(uint256 txType, uint256 start, uint256 end, bytes memory appended)
        private
        pure
        returns (bytes32 digest)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            // Free memory serves as scratch space: nothing allocates before it is hashed.
            pointer := mload(0x40)
            mstore8(pointer, txType)
        }
        uint256 from = pointer + (txType == LEGACY ? 0 : 1);
        uint256 to = Rlp.writeHeader(from, Rlp.LIST, end - start + appended.length);
        assembly ("memory-safe") {
            calldatacopy(to, start, sub(end, start))
        }
        to = Rlp.writeRaw(to + end - start, appended);
        assembly ("memory-safe") {
            digest := keccak256(pointer, sub(to, pointer))
        }
    }

    function _byteAt(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(offset))
        }
    }
}
