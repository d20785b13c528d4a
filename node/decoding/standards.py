"""Functions, events and errors of standards, which any contract may have."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from node.decoding.abi import Abi

_LINE: Final = re.compile(r"(\w+) (\w+)\(([^)]*)\)(?: returns \(([^)]*)\))?", re.ASCII)

_STANDARDS: Final = """
    ERC-20 (EIP-20), permit (EIP-2612), wrapped ether
    function name() returns (string)
    function symbol() returns (string)
    function decimals() returns (uint8)
    function totalSupply() returns (uint256)
    function balanceOf(address owner) returns (uint256)
    function allowance(address owner, address spender) returns (uint256)
    function transfer(address to, uint256 value) returns (bool)
    function transferFrom(address from, address to, uint256 value) returns (bool)
    function approve(address spender, uint256 value) returns (bool)
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
    function nonces(address owner) returns (uint256)
    function DOMAIN_SEPARATOR() returns (bytes32)
    function mint(address to, uint256 value)
    function burn(uint256 value)
    function deposit()
    function withdraw(uint256 value)
    event Transfer(address indexed from, address indexed to, uint256 value)
    event Approval(address indexed owner, address indexed spender, uint256 value)
    event Deposit(address indexed to, uint256 value)
    event Withdrawal(address indexed from, uint256 value)
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)
    error ERC20InvalidSender(address sender)
    error ERC20InvalidReceiver(address receiver)
    error ERC20InvalidApprover(address approver)
    error ERC20InvalidSpender(address spender)

    ERC-721 (EIP-721) and ERC-1155 (EIP-1155)
    function ownerOf(uint256 tokenId) returns (address)
    function getApproved(uint256 tokenId) returns (address)
    function setApprovalForAll(address operator, bool approved)
    function isApprovedForAll(address owner, address operator) returns (bool)
    function safeTransferFrom(address from, address to, uint256 tokenId)
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes data)
    function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)
    function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)
    function balanceOf(address owner, uint256 id) returns (uint256)
    function balanceOfBatch(address[] owners, uint256[] ids) returns (uint256[])
    function tokenURI(uint256 tokenId) returns (string)
    function uri(uint256 id) returns (string)
    function onERC721Received(address operator, address from, uint256 tokenId, bytes data) returns (bytes4)
    function onERC1155Received(address operator, address from, uint256 id, uint256 value, bytes data) returns (bytes4)
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved)
    event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)
    event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values)
    event URI(string value, uint256 indexed id)

    ERC-4626 (EIP-4626)
    function asset() returns (address)
    function totalAssets() returns (uint256)
    function deposit(uint256 assets, address receiver) returns (uint256)
    function mint(uint256 shares, address receiver) returns (uint256)
    function withdraw(uint256 assets, address receiver, address owner) returns (uint256)
    function redeem(uint256 shares, address receiver, address owner) returns (uint256)
    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares)
    event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares)

    Interfaces (EIP-165), signatures of contracts (EIP-1271), ownership, proxies (EIP-1967), calls
    function supportsInterface(bytes4 interfaceId) returns (bool)
    function isValidSignature(bytes32 hash, bytes signature) returns (bytes4)
    function owner() returns (address)
    function transferOwnership(address newOwner)
    function renounceOwnership()
    function implementation() returns (address)
    function upgradeTo(address newImplementation)
    function upgradeToAndCall(address newImplementation, bytes data)
    function multicall(bytes[] data) returns (bytes[])
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner)
    event Upgraded(address indexed implementation)
    event Initialized(uint64 version)
    event Paused(address account)
    event Unpaused(address account)
    error OwnableUnauthorizedAccount(address account)
    error OwnableInvalidOwner(address owner)
    error ReentrancyGuardReentrantCall()
    error SafeERC20FailedOperation(address token)
    error FailedCall()
    error InvalidInitialization()

    What Solidity itself reverts with (docs.soliditylang.org, "Panic via assert and Error via require")
    error Error(string reason)
    error Panic(uint256 code)
"""  # noqa: E501


@cache
def standard_abi() -> Abi:
    """All of them; where two have one selector, both mean the same."""
    lines = (line.strip() for line in _STANDARDS.splitlines())
    return Abi([_item(line) for line in lines if line.startswith(("function", "event", "error"))])


def _item(line: str) -> dict[str, Any]:
    matched = _LINE.fullmatch(line)
    if matched is None:
        raise ValueError(f"no declaration: {line}")
    kind, name, inputs, outputs = matched.groups()
    return {
        "type": kind,
        "name": name,
        "inputs": [_parameter(one) for one in _parts(inputs)],
        "outputs": [_parameter(one) for one in _parts(outputs or "")],
    }


def _parts(text: str) -> list[str]:
    return [one for one in text.split(", ") if one]


def _parameter(text: str) -> Mapping[str, Any]:
    kind, *words = text.split()
    name = words[-1] if words else ""
    return {"type": kind, "name": name, "indexed": words[:1] == ["indexed"]}
