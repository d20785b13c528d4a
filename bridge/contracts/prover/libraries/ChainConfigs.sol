// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice A chain's configuration, in the words that its hash commits to (genesis/hashing.py).
struct ChainConfig {
    bytes32 nameHash;
    uint256 layer;
    uint256 chainId;
    uint256 genesisTime;
    uint256 blockGasLimit;
    uint256 initialBaseFee;
    uint256 coinbase;
    uint256 transactionGasCap;
    uint256 boundedInputs;
    uint256 calldataFloor;
    uint256 deposits;
    uint256 drift;
    uint256 window;
    uint256 inbox;
    uint256 portal;
    uint256 minimumBlockSeconds;
    uint256 isPublic;
}

/// @title  Opening a chain's configuration
/// @notice Every boundary commits to it, so that one set of provers serves any chain.
library ChainConfigs {
    using Witness for Reader;

    /// @notice The witness doesn't open the configuration.
    error WrongChainConfig(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.config.v1");
    uint256 private constant WORDS = 17;

    /// @notice The configuration whose hash is `expected`.
    function open(bytes32 expected, Reader memory r)
        internal
        pure
        returns (ChainConfig memory config)
    {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := config
        }
        r.copy(pointer, WORDS * 32);
        bytes32 actual = Words.commit(TAG, pointer, WORDS);
        if (actual != expected) revert WrongChainConfig(expected, actual);
    }
}
