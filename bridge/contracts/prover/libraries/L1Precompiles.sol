// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  L1's own precompiled contracts
/// @notice They compute what L2's compute. A call of one fails alike when it refuses its input and when it runs
///         out of gas, and whoever sends the transaction chooses its gas: so no failure is believed
///         unless the call had more gas than L1 can ask for.
library L1Precompiles {
    /// @notice Too little gas is left to tell a refusal from running out of gas: send more.
    error NotEnoughGas(uint256 account, uint256 needed);

    /// @notice L1 answers with another number of bytes than this contract has.
    error UnexpectedOutput(uint256 account, uint256 length);

    /// @dev Above what a call costs before its callee has gas.
    uint256 private constant CALL_GAS = 10_000;

    /// @notice Calls a contract that refuses nothing of this form, so that a failure is one of gas.
    function mustRun(uint256 account, bytes memory input, uint256 length)
        internal
        view
        returns (bytes memory output)
    {
        bool succeeded;
        (succeeded, output) = _call(account, input, gasleft());
        if (!succeeded) revert NotEnoughGas(account, gasleft());
        if (output.length != length) revert UnexpectedOutput(account, output.length);
    }

    /// @notice The address that signed, zero if there is none. `v` is 27 or 28 to find one.
    function recover(bytes32 digest, uint256 v, uint256 r, uint256 s)
        internal
        view
        returns (address)
    {
        (bool succeeded, bytes memory output) = _call(1, abi.encode(digest, v, r, s), gasleft());
        if (!succeeded) revert NotEnoughGas(1, gasleft());
        return output.length == 0 ? address(0) : abi.decode(output, (address));
    }

    /// @notice Calls a contract that may refuse its input, with a gas limit above any price of the call:
    ///         a refusal costs all of it, so that it isn't more.
    function tryRun(uint256 account, bytes memory input, uint256 length, uint256 limit)
        internal
        view
        returns (bool succeeded, bytes memory output)
    {
        // EIP-150: a 64th stays here. The call itself takes far less than the rest of what is compared.
        if (gasleft() < limit + limit / 63 + CALL_GAS) revert NotEnoughGas(account, limit);
        (succeeded, output) = _call(account, input, limit);
        if (succeeded && output.length != length) revert UnexpectedOutput(account, output.length);
    }

    function _call(uint256 account, bytes memory input, uint256 limit)
        private
        view
        returns (bool succeeded, bytes memory output)
    {
        assembly ("memory-safe") {
            succeeded := staticcall(limit, account, add(input, 32), mload(input), 0, 0)
            output := mload(0x40)
            let length := returndatasize()
            mstore(output, length)
            returndatacopy(add(output, 32), 0, length)
            mstore(0x40, and(add(output, add(length, 63)), not(31)))
        }
    }
}
