// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Bulk} from "./libraries/Bulk.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {L1Precompiles} from "./libraries/L1Precompiles.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Views} from "./libraries/Views.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  Precompiled contracts
/// @notice Status PRECOMPILE: 0x01 to 0x0a at Cancun's prices and under the chain's size rules
///         (docs/chain-rules.md). L1 computes the results itself; prices and rules are L2's and
///         are here. Sources: Yellow Paper, appendix E; EIP-152, 196, 197, 198, 1108, 2565, 4844, 7883.
contract PrecompileProver is IOneStepProver {
    using Frames for Frame;

    /// @notice There is no such contract: no step can come here.
    error NotAPrecompile(uint256 account);

    uint256 private constant ECRECOVER = 1;
    uint256 private constant SHA256 = 2;
    uint256 private constant RIPEMD160 = 3;
    uint256 private constant IDENTITY = 4;
    uint256 private constant MODEXP = 5;
    uint256 private constant ECADD = 6;
    uint256 private constant ECMUL = 7;
    uint256 private constant PAIRING = 8;
    uint256 private constant BLAKE2F = 9;
    uint256 private constant POINT_EVALUATION = 10;

    /// @dev Chain rules: what one step's witness, and L1's price of it, can carry.
    uint256 private constant HASH_INPUT_BYTES_MAX = 65_536;
    uint256 private constant MODEXP_OPERAND_BYTES_MAX = 1_024;
    uint256 private constant MODEXP_OSAKA_GAS_MAX = 10_000_000;
    uint256 private constant PAIRS_MAX = 256;
    uint256 private constant BLAKE2F_ROUNDS_MAX = 8_000_000;

    uint256 private constant MODEXP_HEADER_BYTES = 96;
    uint256 private constant PAIR_BYTES = 192;
    uint256 private constant BLAKE2F_INPUT_BYTES = 213;
    uint256 private constant POINT_EVALUATION_INPUT_BYTES = 192;

    /// @dev How often L2's price (which is L1's as well) a call gets that may refuse its input: room for L1 to
    ///      raise it. The largest pairing has less, for it fills a transaction on L1 as it is.
    uint256 private constant PRICES_GIVEN = 8;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status != Status.PRECOMPILE) revert Machines.NotMyStatus(m.status);
        Frame memory f = Frames.open(m.frame, r);
        uint256 account = Bulk.openPrecompile(m.bulk, r).account;
        m.bulk = 0;
        bool succeeded;
        if (account == IDENTITY) {
            succeeded = _identity(m, f);
        } else {
            bytes memory output;
            (succeeded, output) = _run(account, f, r);
            if (succeeded) Frames.halt(m, f, WordTree.build(output), 0, output.length);
        }
        if (!succeeded) Frames.fail(m, f);
        return Frames.close(m, f, r);
    }

    function _run(uint256 account, Frame memory f, Reader memory r)
        private
        view
        returns (bool, bytes memory)
    {
        if (account == ECRECOVER) return _ecrecover(f, r);
        if (account == SHA256) return _hash(account, 60, 12, f, r);
        if (account == RIPEMD160) return _hash(account, 600, 120, f, r);
        if (account == MODEXP) return _modexp(f, r);
        if (account == ECADD) return _curve(account, 150, 128, f, r);
        if (account == ECMUL) return _curve(account, 6_000, 96, f, r);
        if (account == PAIRING) return _pairing(f, r);
        if (account == BLAKE2F) return _blake2f(f, r);
        if (account == POINT_EVALUATION) return _pointEvaluation(f, r);
        revert NotAPrecompile(account);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                SIGNATURES, HASHES, BYTES
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev The address that signed, or nothing.
    function _ecrecover(Frame memory f, Reader memory r)
        private
        view
        returns (bool, bytes memory)
    {
        if (!f.charge(3_000)) return (false, "");
        (bytes32 digest, uint256 v, uint256 sigR, uint256 sigS) =
            abi.decode(_input(f, 0, 128, r), (bytes32, uint256, uint256, uint256));
        address signer = L1Precompiles.recover(digest, v, sigR, sigS);
        return (true, signer == address(0) ? bytes("") : abi.encode(signer));
    }

    function _hash(uint256 account, uint256 gas, uint256 wordGas, Frame memory f, Reader memory r)
        private
        view
        returns (bool, bytes memory)
    {
        uint256 size = f.inputLength;
        if (size > HASH_INPUT_BYTES_MAX) return (false, "");
        if (!f.charge(gas + wordGas * Words.wordsOf(size))) return (false, "");
        return (true, L1Precompiles.mustRun(account, _input(f, 0, size, r), 32));
    }

    /// @dev Returns its input as it came: a view, whatever its length.
    function _identity(Machine memory m, Frame memory f) private pure returns (bool) {
        if (!f.charge(15 + 3 * Words.wordsOf(f.inputLength))) return false;
        Frames.halt(m, f, f.inputRoot, f.inputOffset, f.inputLength);
        return true;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        MODEXP
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev base ** exponent % modulus (EIP-198). Its three sizes are read first, then the head of the
    ///      exponent for the price, then all of it.
    function _modexp(Frame memory f, Reader memory r) private view returns (bool, bytes memory) {
        (uint256 baseSize, uint256 exponentSize, uint256 modulusSize) = abi.decode(
            _input(f, 0, MODEXP_HEADER_BYTES, r), (uint256, uint256, uint256)
        );
        if (
            baseSize > MODEXP_OPERAND_BYTES_MAX || exponentSize > MODEXP_OPERAND_BYTES_MAX
                || modulusSize > MODEXP_OPERAND_BYTES_MAX
        ) return (false, "");
        uint256 headSize = exponentSize < 32 ? exponentSize : 32;
        bytes memory head = _input(f, MODEXP_HEADER_BYTES + baseSize, headSize, r);
        uint256 headBits = _bitsOf(uint256(bytes32(head)) >> (8 * (32 - headSize)));
        uint256 longest = baseSize > modulusSize ? baseSize : modulusSize;
        if (_modexpOsakaGas(longest, exponentSize, headBits) > MODEXP_OSAKA_GAS_MAX) {
            return (false, "");
        }
        if (!f.charge(_modexpGas(longest, exponentSize, headBits))) return (false, "");
        if (modulusSize == 0) return (true, "");
        uint256 size = MODEXP_HEADER_BYTES + baseSize + exponentSize + modulusSize;
        return (true, L1Precompiles.mustRun(MODEXP, _input(f, 0, size, r), modulusSize));
    }

    /// @dev EIP-2565. `longest` of base and modulus, in bytes.
    function _modexpGas(uint256 longest, uint256 exponentSize, uint256 headBits)
        private
        pure
        returns (uint256)
    {
        uint256 words = (longest + 7) / 8;
        uint256 gas = words * words * _iterations(exponentSize, headBits, 8) / 3;
        return gas < 200 ? 200 : gas;
    }

    /// @dev EIP-7883: what L1 asks for this very step.
    function _modexpOsakaGas(uint256 longest, uint256 exponentSize, uint256 headBits)
        private
        pure
        returns (uint256)
    {
        uint256 words = (longest + 7) / 8;
        uint256 complexity = longest <= 32 ? 16 : 2 * words * words;
        uint256 gas = complexity * _iterations(exponentSize, headBits, 16);
        return gas < 500 ? 500 : gas;
    }

    function _iterations(uint256 exponentSize, uint256 headBits, uint256 perByte)
        private
        pure
        returns (uint256 count)
    {
        if (headBits != 0) count = headBits - 1;
        if (exponentSize > 32) count += perByte * (exponentSize - 32);
        if (count == 0) count = 1;
    }

    function _bitsOf(uint256 number) private pure returns (uint256 bits) {
        for (; number != 0; number >>= 1) {
            ++bits;
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    CURVES AND BLAKE2
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev An operation on one curve point or two, 64 bytes each.
    function _curve(uint256 account, uint256 gas, uint256 size, Frame memory f, Reader memory r)
        private
        view
        returns (bool, bytes memory)
    {
        if (!f.charge(gas)) return (false, "");
        return L1Precompiles.tryRun(account, _input(f, 0, size, r), 64, gas * PRICES_GIVEN);
    }

    function _pairing(Frame memory f, Reader memory r) private view returns (bool, bytes memory) {
        uint256 pairs = f.inputLength / PAIR_BYTES;
        if (pairs > PAIRS_MAX) return (false, "");
        uint256 gas = 45_000 + 34_000 * pairs;
        if (!f.charge(gas) || f.inputLength % PAIR_BYTES != 0) return (false, "");
        bytes memory input = _input(f, 0, f.inputLength, r);
        return L1Precompiles.tryRun(PAIRING, input, 32, gas + gas / 4);
    }

    /// @dev EIP-4844: whether a KZG proof says that a blob's polynomial is y at z.
    function _pointEvaluation(Frame memory f, Reader memory r)
        private
        view
        returns (bool, bytes memory)
    {
        if (!f.charge(50_000) || f.inputLength != POINT_EVALUATION_INPUT_BYTES) return (false, "");
        bytes memory input = _input(f, 0, POINT_EVALUATION_INPUT_BYTES, r);
        return L1Precompiles.tryRun(POINT_EVALUATION, input, 64, 50_000 * PRICES_GIVEN);
    }

    /// @dev EIP-152: one gas a round. The final flag is 0 or 1.
    function _blake2f(Frame memory f, Reader memory r) private view returns (bool, bytes memory) {
        if (f.inputLength != BLAKE2F_INPUT_BYTES) return (false, "");
        bytes memory input = _input(f, 0, BLAKE2F_INPUT_BYTES, r);
        if (uint8(input[BLAKE2F_INPUT_BYTES - 1]) > 1) return (false, "");
        uint256 rounds = uint32(bytes4(input));
        if (rounds > BLAKE2F_ROUNDS_MAX || !f.charge(rounds)) return (false, "");
        return (true, L1Precompiles.mustRun(BLAKE2F, input, 64));
    }

    /// @dev `size` bytes of the call's input from `start`; beyond its end they are zero.
    function _input(Frame memory f, uint256 start, uint256 size, Reader memory r)
        private
        pure
        returns (bytes memory)
    {
        return Views.read(f.inputRoot, f.inputOffset, f.inputLength, start, size, r);
    }
}
