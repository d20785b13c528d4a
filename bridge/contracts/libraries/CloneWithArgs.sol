// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Minimal proxies that carry constants
/// @notice A proxy of EIP-1167 with arguments appended to its code. They never run, because the proxy's
///         last instruction jumps or returns before; the implementation reads them from there, which
///         costs far less than storage.
library CloneWithArgs {
    /// @notice The proxy's creation failed: an account with this salt is there already.
    error CloneFailed();

    /// @dev Bytes of the proxy's own code (EIP-1167), after which the arguments start.
    uint256 private constant PROXY_SIZE = 45;

    /// @dev Bytes of arguments at the most, so that the size fits the creation code's two bytes.
    uint256 private constant ARGS_SIZE_MAX = 4096;

    /// @notice Creates a proxy of `implementation` at an address that `salt` and the arguments give
    ///         (EIP-1014). Reverts with CloneFailed.
    function create(address implementation, bytes memory args, bytes32 salt)
        internal
        returns (address clone)
    {
        bytes memory code = creationCode(implementation, args);
        assembly ("memory-safe") {
            clone := create2(0, add(code, 0x20), mload(code), salt)
        }
        if (clone == address(0)) revert CloneFailed();
    }

    /// @notice The code that creates the proxy: it returns what follows its first ten bytes.
    function creationCode(address implementation, bytes memory args)
        internal
        pure
        returns (bytes memory)
    {
        if (args.length > ARGS_SIZE_MAX) revert CloneFailed();
        return abi.encodePacked(
            hex"61", uint16(PROXY_SIZE + args.length), hex"3d81600a3d39f3",
            hex"363d3d373d3d3d363d73", implementation, hex"5af43d82803e903d91602b57fd5bf3",
            args
        );
    }

    /// @notice The arguments of the proxy that is running; called by the implementation.
    function readArgs() internal view returns (bytes memory args) {
        uint256 size = address(this).code.length - PROXY_SIZE;
        args = new bytes(size);
        assembly ("memory-safe") {
            extcodecopy(address(), add(args, 0x20), PROXY_SIZE, size)
        }
    }
}
