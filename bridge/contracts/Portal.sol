// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../../execution/contracts/system/AddressAlias.sol";
import {CollateralToken} from "../../execution/contracts/system/CollateralToken.sol";
import {L2CrossDomainMessenger} from
    "../../execution/contracts/system/L2CrossDomainMessenger.sol";
import {Predeploys} from "../../execution/contracts/system/Predeploys.sol";
import {Withdrawal, WithdrawalHash} from "../../execution/contracts/system/Withdrawal.sol";
import {GameStatus, IDisputeGame} from "./interfaces/IDisputeGame.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {IInbox} from "./interfaces/IInbox.sol";
import {IRollup} from "./interfaces/IRollup.sol";
import {Boundary, BoundaryHash} from "./libraries/Boundary.sol";
import {MerkleTrie} from "./libraries/MerkleTrie.sol";
import {TokenTransfer} from "./libraries/TokenTransfer.sol";

/// @title  Portal
/// @notice The way between L1 and L2: takes deposits of ether, tokens, transactions and messages,
///         holds what L2 owes, and pays withdrawals that are proven against an output root that stood.
///         Nobody administers it and nothing pauses it.
contract Portal {
    using TokenTransfer for IERC20;

    /// @notice When a withdrawal was proven, and against which game's root.
    struct ProvenWithdrawal {
        address game;
        uint64 provenAt;
    }

    /// @notice The ether sent doesn't pay for the L2 gas. In wei.
    error GasNotPaid(uint256 sent, uint256 needed);

    /// @notice The ether sent must be exactly the price of the L2 gas. In wei.
    error WrongGasPayment(uint256 sent, uint256 needed);

    /// @notice Too little L2 gas for the deposit to do anything.
    error GasLimitTooLow(uint256 gasLimit, uint256 minimum);

    /// @notice More L2 gas than one transaction may have.
    error GasLimitTooHigh(uint256 gasLimit, uint256 limit);

    /// @notice More calldata than a deposit may have, in bytes.
    error DataTooLarge(uint256 size, uint256 limit);

    /// @notice An address that must not be called, or can't receive.
    error InvalidTarget(address target);

    /// @notice A token deposit of nothing, or of which nothing arrived.
    error ZeroAmount();

    /// @notice The Rollup doesn't know this game.
    error UnknownGame(address game);

    /// @notice The challenger won this game: its root is wrong.
    error GameLost(address game);

    /// @notice The game was created in this very block; prove in a later one.
    error GameTooYoung(address game);

    /// @notice The boundary isn't what the game claims.
    error WrongBoundary(bytes32 outputRoot, bytes32 claimed);

    /// @notice The leaf isn't that of a message that was sent.
    error NotSent(bytes32 withdrawalHash);

    /// @notice The withdrawal is proven already, in a way at least as good.
    error AlreadyProven(bytes32 withdrawalHash);

    /// @notice The withdrawal was paid before.
    error AlreadyFinalized(bytes32 withdrawalHash);

    /// @notice The withdrawal wasn't proven.
    error NotProven(bytes32 withdrawalHash);

    /// @notice The game that the withdrawal was proven against is not won by the defender (yet).
    error GameNotWon(address game);

    /// @notice The withdrawal is final from `finalAt` (seconds) on.
    error NotFinal(uint256 finalAt);

    /// @notice Too little gas is left for the call to get what the withdrawal asks for.
    error GasLeftTooLow(uint256 left, uint256 needed);

    /// @notice The withdrawal's call failed. Nothing changed: it may be finalized later.
    error WithdrawalCallFailed(bytes32 withdrawalHash);

    /// @notice Only the Portal itself, while it finalizes a withdrawal of the collateral token.
    error OnlyCollateralToken(address caller);

    /// @notice A call came back in where it mustn't.
    error Reentered();

    /// @notice A token deposit: `received` arrived here and is to be credited to `to` on L2.
    event TokenDeposited(address indexed from, address indexed to, uint256 received);

    /// @notice A message for L2, apart from its gas the fields of L2CrossDomainMessenger.relayMessage.
    event MessageSent(
        uint256 indexed nonce, address indexed sender, address indexed target, uint256 value, bytes data
    );

    /// @notice A withdrawal was proven against a game's root.
    event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed game, address prover);

    /// @notice A withdrawal was paid.
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, address indexed target, uint256 value);

    /// @notice Escrowed tokens were paid out.
    event TokenReleased(address indexed to, uint256 amount);

    /// @notice Somebody added ether to the escrow, in wei.
    event EscrowFunded(address indexed from, uint256 amount);

    /// @notice Bytes of calldata that a deposit may have.
    uint256 public constant DATA_SIZE_MAX = 65_536;

    /// @notice L2 gas that a deposit may have (EIP-7825's cap).
    uint64 public constant GAS_LIMIT_MAX = 2 ** 24;

    /// @notice Bytes of data that a message may have: its relay repeats them in memory, and has to fit
    ///         a deposit.
    uint256 public constant MESSAGE_SIZE_MAX = 32_768;

    /// @notice L2 gas of a message's relay besides its calldata and its own call: enough that a failed
    ///         delivery is always recorded and can be replayed. Measured in the tests.
    uint64 public constant RELAY_GAS = 200_000;

    /// @notice L2 gas that the credit of a token deposit gets at the least. Measured in the tests.
    uint64 public constant TOKEN_CREDIT_GAS = 200_000;

    uint256 private constant TRANSACTION_GAS = 21_000;
    uint256 private constant CREATION_GAS = 32_000;
    uint256 private constant CALLDATA_BYTE_GAS = 16;
    uint256 private constant INITCODE_WORD_GAS = 2;

    /// @dev What finalizeWithdrawal does between checking the gas and calling, at the most: a call with
    ///      value to a new account (36,600) and change.
    uint256 private constant CALL_OVERHEAD = 45_000;

    /// @dev The storage slot of L2ToL1MessagePasser.sentMessages.
    uint256 private constant SENT_MESSAGES_SLOT = 0;

    /// @notice Where deposits are appended.
    IInbox public immutable inbox;

    /// @notice Who knows the games.
    IRollup public immutable rollup;

    /// @notice The token that is escrowed here and is CollateralToken on L2.
    IERC20 public immutable token;

    /// @notice Seconds between a game's end and the payment of withdrawals proven against it.
    uint256 public immutable finalityDelay;

    /// @notice Wei that one gas of a deposit costs. The payment stays in the escrow, which it only
    ///         over-covers.
    uint256 public immutable depositGasPrice;

    /// @notice Counts the messages to L2.
    uint256 public messageNonce;

    /// @notice How withdrawals were proven.
    mapping(bytes32 withdrawalHash => ProvenWithdrawal) public provenWithdrawals;

    /// @notice Which withdrawals were paid.
    mapping(bytes32 withdrawalHash => bool) public finalizedWithdrawals;

    /// @notice Who sent the withdrawal that is being paid, on L2; zero outside of one.
    address public transient l2Sender;

    bool private transient _finalizing;
    bool private transient _movingTokens;

    /// @param inbox_           Where deposits are appended.
    /// @param rollup_          Who knows the games.
    /// @param token_           The token to escrow; 6 decimals.
    /// @param finalityDelay_   Seconds between a game's end and payment.
    /// @param depositGasPrice_ Wei that one gas of a deposit costs.
    constructor(
        IInbox inbox_,
        IRollup rollup_,
        IERC20 token_,
        uint256 finalityDelay_,
        uint256 depositGasPrice_
    ) {
        inbox = inbox_;
        rollup = rollup_;
        token = token_;
        finalityDelay = finalityDelay_;
        depositGasPrice = depositGasPrice_;
    }

    /// @dev Keeps tokens from moving within a move of tokens: balances are compared around it.
    modifier movesTokens() {
        if (_movingTokens) revert Reentered();
        _movingTokens = true;
        _;
        _movingTokens = false;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       DEPOSITS
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Sends a transaction to L2 that the sequencer may not leave out. `msg.value` pays for the
    ///         gas; the rest is minted to the caller on L2, before the transaction and whatever comes
    ///         of it. A contract acts on L2 under its aliased address.
    /// @dev    Reverts with InvalidTarget, DataTooLarge, GasLimitTooLow, GasLimitTooHigh or GasNotPaid.
    /// @param  to         Who is called on L2; zero for a creation.
    /// @param  value      Wei that go with the call, from the caller's balance on L2 after the mint.
    /// @param  gasLimit   L2 gas, at least minimumGas(data.length, isCreation).
    /// @param  isCreation Whether the data is creation code.
    /// @param  data       Calldata or creation code.
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable {
        if (isCreation && to != address(0)) revert InvalidTarget(to);
        uint256 price = gasLimit * depositGasPrice;
        if (msg.value < price) revert GasNotPaid(msg.value, price);
        _deposit(_depositor(), msg.value - price, value, gasLimit, isCreation, to, data);
    }

    /// @notice Escrows `amount` of the token and credits what arrived of it to `to` on L2. What can't
    ///         be credited there comes back to the caller as a withdrawal. Takes exactly
    ///         `gasLimit * depositGasPrice` wei, and an allowance.
    /// @dev    Reverts with ZeroAmount, InvalidTarget, WrongGasPayment, GasLimitTooLow, GasLimitTooHigh,
    ///         Reentered or TransferFailed.
    /// @param  gasLimit L2 gas, at least minimumTokenGas().
    function depositToken(address to, uint256 amount, uint64 gasLimit) external payable movesTokens {
        if (to == address(0)) revert InvalidTarget(to);
        uint256 price = gasLimit * depositGasPrice;
        if (msg.value != price) revert WrongGasPayment(msg.value, price);
        uint256 minimum = minimumTokenGas();
        if (gasLimit < minimum) revert GasLimitTooLow(gasLimit, minimum);
        uint256 received = token.pull(msg.sender, amount);
        if (received == 0) revert ZeroAmount();
        emit TokenDeposited(msg.sender, to, received);
        bytes memory credit = abi.encodeCall(
            CollateralToken.finalizeDeposit, (msg.sender, to, received)
        );
        _sendMessage(address(this), Predeploys.COLLATERAL_TOKEN, 0, gasLimit, credit);
    }

    /// @notice Sends a message that L2CrossDomainMessenger delivers to `target`, naming the caller as
    ///         its sender. `msg.value` pays for the gas; the rest goes with the message. A delivery that
    ///         fails may be replayed on L2 by anyone.
    /// @dev    Reverts with DataTooLarge, GasLimitTooLow, GasLimitTooHigh or GasNotPaid.
    /// @param  gasLimit L2 gas of the whole deposit, at least minimumMessageGas(data.length); what is
    ///                  above that goes to the call.
    function sendMessage(address target, uint64 gasLimit, bytes calldata data) external payable {
        uint256 price = gasLimit * depositGasPrice;
        if (msg.value < price) revert GasNotPaid(msg.value, price);
        uint256 minimum = minimumMessageGas(data.length);
        if (gasLimit < minimum) revert GasLimitTooLow(gasLimit, minimum);
        _sendMessage(msg.sender, target, msg.value - price, gasLimit, data);
    }

    /// @notice Adds ether to the escrow without crediting anybody: at deployment, what L2's genesis
    ///         allocates.
    function fundEscrow() external payable {
        emit EscrowFunded(msg.sender, msg.value);
    }

    /// @notice The least L2 gas of a deposit with that many bytes of data: what any transaction costs
    ///         before it runs, with every byte priced as nonzero (Yellow Paper, EIP-2028, EIP-3860).
    function minimumGas(uint256 dataSize, bool isCreation) public pure returns (uint256 gas) {
        gas = TRANSACTION_GAS + CALLDATA_BYTE_GAS * dataSize;
        if (isCreation) gas += CREATION_GAS + INITCODE_WORD_GAS * ((dataSize + 31) / 32);
    }

    /// @notice The least L2 gas of a message with that many bytes of data.
    function minimumMessageGas(uint256 dataSize) public pure returns (uint256) {
        uint256 padded = (dataSize + 31) / 32 * 32;
        // The relay's own calldata: selector, five arguments and the length. One more gas a byte is for
        // the copies that hashing and calling make.
        return minimumGas(196 + padded, false) + padded + RELAY_GAS;
    }

    /// @notice The least L2 gas of a token deposit.
    function minimumTokenGas() public pure returns (uint256) {
        return minimumMessageGas(100) + TOKEN_CREDIT_GAS;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                     WITHDRAWALS
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Shows that L2 sent a withdrawal: that L2ToL1MessagePasser's storage holds its hash, in
    ///         the state that a game's root claim commits to. The game may still be running; what
    ///         counts is that its defender wins. Anyone may prove.
    /// @dev    A better proof replaces a worse one, and only so, or else anyone could put a payment off
    ///         by proving it again and again against newer games. Reverts with InvalidTarget,
    ///         UnknownGame, GameLost, GameTooYoung, WrongBoundary, NotSent, AlreadyProven,
    ///         AlreadyFinalized or InvalidProof.
    /// @param  withdrawal What was sent.
    /// @param  game       A game of the Rollup.
    /// @param  boundary   What hashes to the game's root claim.
    /// @param  proof      Storage proof of the message, from `messagePasserStorageRoot` down.
    function proveWithdrawal(
        Withdrawal calldata withdrawal,
        address game,
        Boundary calldata boundary,
        bytes[] calldata proof
    ) external {
        _requireCallable(withdrawal);
        bytes32 withdrawalHash = WithdrawalHash.compute(withdrawal);
        if (finalizedWithdrawals[withdrawalHash]) revert AlreadyFinalized(withdrawalHash);
        _requireClaim(game, boundary);
        _requireBetter(withdrawalHash, game);
        _requireSent(withdrawalHash, boundary.messagePasserStorageRoot, proof);
        provenWithdrawals[withdrawalHash] = ProvenWithdrawal(game, uint64(block.timestamp));
        emit WithdrawalProven(withdrawalHash, game, msg.sender);
    }

    /// @notice Pays a withdrawal whose game the defender won at least `finalityDelay` seconds ago: calls
    ///         its target with its value, its data and at least its gas. Anyone may.
    /// @dev    When the call fails everything reverts and the withdrawal may be finalized later: nobody
    ///         can spoil it by calling with too little gas or at a bad moment. Reverts with Reentered,
    ///         AlreadyFinalized, NotProven, GameNotWon, NotFinal, GasLeftTooLow or
    ///         WithdrawalCallFailed.
    function finalizeWithdrawal(Withdrawal calldata withdrawal) external {
        if (_finalizing) revert Reentered();
        bytes32 withdrawalHash = WithdrawalHash.compute(withdrawal);
        _requireFinal(withdrawalHash);
        finalizedWithdrawals[withdrawalHash] = true;
        emit WithdrawalFinalized(withdrawalHash, withdrawal.target, withdrawal.value);

        _finalizing = true;
        l2Sender = withdrawal.sender;
        bool success = _callTarget(withdrawal);
        _finalizing = false;
        l2Sender = address(0);
        if (!success) revert WithdrawalCallFailed(withdrawalHash);
    }

    /// @notice Pays escrowed tokens: the call that a withdrawal by L2's CollateralToken makes here.
    /// @dev    Reverts with OnlyCollateralToken, Reentered or TransferFailed.
    function releaseToken(address to, uint256 amount) external movesTokens {
        if (msg.sender != address(this) || l2Sender != Predeploys.COLLATERAL_TOKEN) {
            revert OnlyCollateralToken(msg.sender);
        }
        token.push(to, amount);
        emit TokenReleased(to, amount);
    }

    /// @notice The identity of a withdrawal.
    function hashWithdrawal(Withdrawal calldata withdrawal) external pure returns (bytes32) {
        return WithdrawalHash.compute(withdrawal);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                  INSIDE OF DEPOSITS
    //////////////////////////////////////////////////////////////////////////*/

    function _sendMessage(
        address sender,
        address target,
        uint256 value,
        uint64 gasLimit,
        bytes memory data
    ) private {
        if (data.length > MESSAGE_SIZE_MAX) revert DataTooLarge(data.length, MESSAGE_SIZE_MAX);
        uint256 nonce = messageNonce++;
        emit MessageSent(nonce, sender, target, value, data);
        bytes memory relay = abi.encodeCall(
            L2CrossDomainMessenger.relayMessage, (nonce, sender, target, value, data)
        );
        address messenger = Predeploys.L2_CROSS_DOMAIN_MESSENGER;
        _deposit(AddressAlias.toL2(address(this)), value, value, gasLimit, false, messenger, relay);
    }

    function _deposit(
        address from,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        address to,
        bytes memory data
    ) private {
        if (data.length > DATA_SIZE_MAX) revert DataTooLarge(data.length, DATA_SIZE_MAX);
        if (gasLimit > GAS_LIMIT_MAX) revert GasLimitTooHigh(gasLimit, GAS_LIMIT_MAX);
        uint256 minimum = minimumGas(data.length, isCreation);
        if (gasLimit < minimum) revert GasLimitTooLow(gasLimit, minimum);
        inbox.appendDeposit(from, abi.encode(mint, value, gasLimit, isCreation, to, data));
    }

    /// @dev Who the caller is on L2. An account with a key is itself, also when it has delegated its
    ///      code (EIP-7702); a contract, also one under construction, is its alias.
    function _depositor() private view returns (address) {
        if (msg.sender == tx.origin || _isDelegated(msg.sender)) return msg.sender;
        return AddressAlias.toL2(msg.sender);
    }

    /// @dev Whether the code is EIP-7702's: 0xef0100 and an address. No contract's starts with 0xef.
    function _isDelegated(address account) private view returns (bool) {
        return account.code.length == 23 && bytes3(account.code) == 0xef0100;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                INSIDE OF WITHDRAWALS
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev The call comes from this contract, so it must not reach what trusts this contract: the
    ///      inbox takes deposits from it, the token moves its escrow, and its own functions take it for
    ///      a depositor.
    function _requireCallable(Withdrawal calldata withdrawal) private view {
        address target = withdrawal.target;
        bool isRelease =
            target == address(this) && withdrawal.sender == Predeploys.COLLATERAL_TOKEN;
        bool trustsPortal =
            target == address(this) || target == address(inbox) || target == address(token);
        if (trustsPortal && !isRelease) revert InvalidTarget(target);
    }

    function _requireClaim(address game, Boundary calldata boundary) private view {
        if (!rollup.isGame(game)) revert UnknownGame(game);
        IDisputeGame claim = IDisputeGame(game);
        if (claim.status() == GameStatus.ChallengerWins) revert GameLost(game);
        if (block.timestamp <= claim.createdAt()) revert GameTooYoung(game);
        bytes32 outputRoot = BoundaryHash.compute(boundary);
        bytes32 claimed = claim.rootClaim();
        if (outputRoot != claimed || boundary.number != claim.l2Block()) {
            revert WrongBoundary(outputRoot, claimed);
        }
    }

    /// @dev A proof against a won game is never replaced. Another one is when its game was lost, when
    ///      the new game is won, or when the new game is older and so ends sooner.
    function _requireBetter(bytes32 withdrawalHash, address game) private view {
        address current = provenWithdrawals[withdrawalHash].game;
        if (current == address(0)) return;
        GameStatus currentStatus = IDisputeGame(current).status();
        if (currentStatus == GameStatus.ChallengerWins) return;
        if (currentStatus == GameStatus.InProgress) {
            if (IDisputeGame(game).status() == GameStatus.DefenderWins) return;
            if (IDisputeGame(game).createdAt() < IDisputeGame(current).createdAt()) return;
        }
        revert AlreadyProven(withdrawalHash);
    }

    function _requireSent(bytes32 withdrawalHash, bytes32 storageRoot, bytes[] calldata proof)
        private
        pure
    {
        bytes32 slot = keccak256(abi.encode(withdrawalHash, SENT_MESSAGES_SLOT));
        bytes32 key = keccak256(abi.encode(slot));
        bytes calldata value = MerkleTrie.get(storageRoot, key, proof);
        // `true` as a storage value is 1, whose RLP is the byte itself.
        if (value.length != 1 || value[0] != 0x01) revert NotSent(withdrawalHash);
    }

    function _requireFinal(bytes32 withdrawalHash) private view {
        if (finalizedWithdrawals[withdrawalHash]) revert AlreadyFinalized(withdrawalHash);
        ProvenWithdrawal memory proven = provenWithdrawals[withdrawalHash];
        if (proven.game == address(0)) revert NotProven(withdrawalHash);
        IDisputeGame game = IDisputeGame(proven.game);
        if (proven.provenAt <= game.createdAt()) revert GameTooYoung(proven.game);
        if (game.status() != GameStatus.DefenderWins) revert GameNotWon(proven.game);
        uint256 finalAt = game.resolvedAt() + finalityDelay;
        if (block.timestamp < finalAt) revert NotFinal(finalAt);
    }

    /// @dev Gives the call all gas but the 64th part that EIP-150 keeps, after checking that this is
    ///      what the withdrawal asks for. Copies none of the answer, which the target could make long.
    function _callTarget(Withdrawal calldata withdrawal) private returns (bool success) {
        bytes memory data = withdrawal.data;
        address target = withdrawal.target;
        uint256 value = withdrawal.value;
        uint256 needed = withdrawal.gasLimit * 64 / 63 + CALL_OVERHEAD;
        if (gasleft() < needed) revert GasLeftTooLow(gasleft(), needed);
        assembly ("memory-safe") {
            success := call(gas(), target, value, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
