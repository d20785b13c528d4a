// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L2CrossDomainMessenger} from "./L2CrossDomainMessenger.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";
import {Predeploys} from "./Predeploys.sol";

/// @notice What the token asks of the Portal on L1.
interface IReleaseToken {
    /// @notice Pays `amount` of the escrowed token to `to`.
    function releaseToken(address to, uint256 amount) external;
}

/// @title  CollateralToken
/// @notice The ERC-20 that margin is paid in: each unit stands for a unit in the Portal's escrow on
///         L1. 6 decimals. Minted only by deposits, burned only by withdrawals; nobody can pause it,
///         and a deposit that can't be credited goes back to the depositor on L1.
contract CollateralToken {
    /// @notice The account doesn't have that much.
    error InsufficientBalance(address account, uint256 balance, uint256 needed);

    /// @notice The owner didn't allow the spender that much.
    error InsufficientAllowance(address spender, uint256 allowance, uint256 needed);

    /// @notice Nobody can hold or receive tokens at this address.
    error InvalidRecipient(address recipient);

    /// @notice A withdrawal or deposit of nothing.
    error ZeroAmount();

    /// @notice The caller isn't the messenger with a message from the Portal.
    error OnlyPortal();

    /// @notice The permit's deadline (seconds) has passed.
    error PermitExpired(uint256 deadline);

    /// @notice The permit isn't signed by the owner.
    error InvalidPermit(address signer, address owner);

    /// @notice ERC-20.
    event Transfer(address indexed from, address indexed to, uint256 amount);

    /// @notice ERC-20.
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    /// @notice A deposit arrived; `from` is the depositor on L1.
    event DepositFinalized(address indexed from, address indexed to, uint256 amount);

    /// @notice A deposit to `to` couldn't be credited; it is on its way back to `from` on L1.
    event DepositReturned(address indexed from, address indexed to, uint256 amount);

    /// @notice `amount` left for `l1Recipient`.
    event WithdrawalInitiated(address indexed from, address indexed l1Recipient, uint256 amount);

    string public constant name = "Tallystick USD";
    string public constant symbol = "tUSD";
    uint8 public constant decimals = 6;

    /// @notice Gas that the token's release on L1 gets at the least.
    uint256 public constant RELEASE_GAS = 200_000;

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    /// @dev Upper half of the curve order; a signature with s above it has a twin (EIP-2).
    uint256 private constant S_MAX =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice ERC-20, in units of 1e-6 USD like every amount here.
    uint256 public totalSupply;

    /// @notice ERC-20.
    mapping(address account => uint256 balance) public balanceOf;

    /// @notice ERC-20.
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    /// @notice ERC-2612: how many permits the owner has used.
    mapping(address owner => uint256 nonce) public nonces;

    /// @notice The L1 Portal, which escrows the token. Written into genesis.
    address public portal;

    /*//////////////////////////////////////////////////////////////////////////
                                       ERC-20
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Moves `amount` from the caller to `to`. Reverts with InsufficientBalance or
    ///         InvalidRecipient.
    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
        return true;
    }

    /// @notice Moves `amount` from `from` to `to` within the caller's allowance; an allowance of
    ///         2^256-1 is never used up. Reverts also with InsufficientAllowance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            if (allowed < amount) revert InsufficientAllowance(msg.sender, allowed, amount);
            allowance[from][msg.sender] = allowed - amount;
        }
        _transfer(from, to, amount);
        return true;
    }

    /// @notice Lets `spender` move `amount` of the caller's tokens.
    function approve(address spender, uint256 amount) external returns (bool) {
        _approve(msg.sender, spender, amount);
        return true;
    }

    /// @notice Approves by signature (ERC-2612). Reverts with PermitExpired or InvalidPermit.
    /// @param  deadline Last second at which the permit may be used.
    function permit(
        address owner,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (block.timestamp > deadline) revert PermitExpired(deadline);
        bytes32 message =
            keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, nonces[owner]++, deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), message));
        address signer = uint256(s) > S_MAX ? address(0) : ecrecover(digest, v, r, s);
        if (signer == address(0) || signer != owner) revert InvalidPermit(signer, owner);
        _approve(owner, spender, value);
    }

    /// @notice ERC-2612's EIP-712 domain. Computed each time: a predeploy has no constructor.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       BRIDGE
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Burns `amount` of the caller's tokens; the Portal pays them to `l1Recipient` once the
    ///         withdrawal is proven and final. Reverts with InsufficientBalance, InvalidRecipient or
    ///         ZeroAmount.
    function withdrawTo(address l1Recipient, uint256 amount) external {
        if (l1Recipient == address(0) || l1Recipient == portal) revert InvalidRecipient(l1Recipient);
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, amount);
        totalSupply -= amount;
        emit Transfer(msg.sender, address(0), amount);
        emit WithdrawalInitiated(msg.sender, l1Recipient, amount);
        _release(l1Recipient, amount);
    }

    /// @notice Credits a deposit that the Portal took into escrow, or sends it back to `from` on L1
    ///         when `to` is an address that can't own tokens.
    /// @dev    Only through the messenger and from the Portal: OnlyPortal.
    function finalizeDeposit(address from, address to, uint256 amount) external {
        L2CrossDomainMessenger messenger =
            L2CrossDomainMessenger(Predeploys.L2_CROSS_DOMAIN_MESSENGER);
        if (msg.sender != address(messenger)) revert OnlyPortal();
        if (messenger.xDomainMessageSender() != portal) revert OnlyPortal();
        if (!canReceiveDeposit(to) || amount > type(uint256).max - totalSupply) {
            emit DepositReturned(from, to, amount);
            _release(from, amount);
            return;
        }
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
        emit DepositFinalized(from, to, amount);
    }

    /// @notice Whether a deposit to this address is credited. System contracts can't spend tokens
    ///         that arrive without their doing, so such a deposit is returned.
    function canReceiveDeposit(address to) public pure returns (bool) {
        return to != address(0) && !Predeploys.isPredeploy(to);
    }

    function _release(address l1Recipient, uint256 amount) private {
        L2ToL1MessagePasser(Predeploys.L2_TO_L1_MESSAGE_PASSER).initiateWithdrawal(
            portal, RELEASE_GAS, abi.encodeCall(IReleaseToken.releaseToken, (l1Recipient, amount))
        );
    }

    /*//////////////////////////////////////////////////////////////////////////
                                     ACCOUNTING
    //////////////////////////////////////////////////////////////////////////*/

    function _transfer(address from, address to, uint256 amount) private {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(to);
        _debit(from, amount);
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }

    function _debit(address from, uint256 amount) private {
        uint256 balance = balanceOf[from];
        if (balance < amount) revert InsufficientBalance(from, balance, amount);
        balanceOf[from] = balance - amount;
    }

    function _approve(address owner, address spender, uint256 amount) private {
        allowance[owner][spender] = amount;
        emit Approval(owner, spender, amount);
    }
}
