// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Governance
/// @notice A timelock with several members. An operation needs the confirmations of `threshold`
///         members, waits `delay` seconds in the open, and then anyone may execute it while the
///         confirmations still stand. No member can act alone where the threshold is above one.
contract Governance {
    /// @notice The caller is no member.
    error OnlyMember(address caller);

    /// @notice Only an executed operation of this contract may change it.
    error OnlySelf(address caller);

    /// @notice The operation has too few confirmations.
    error NotConfirmed(bytes32 id, uint256 confirmations, uint256 needed);

    /// @notice The operation may run only from `readyAt` (seconds) on.
    error NotReady(bytes32 id, uint256 readyAt);

    /// @notice The operation lapsed at `expiredAt` (seconds); confirm it anew.
    error Expired(bytes32 id, uint256 expiredAt);

    /// @notice The operation was executed before; take another salt to repeat it.
    error AlreadyExecuted(bytes32 id);

    /// @notice The operation's call reverted with this data.
    error OperationFailed(bytes32 id, bytes reason);

    /// @notice A delay below MINIMUM_DELAY, in seconds.
    error DelayTooShort(uint256 delay, uint256 minimum);

    /// @notice A threshold of zero or above the number of members, or too many members.
    error InvalidMembership(uint256 members, uint256 threshold);

    /// @notice The member is already there, or isn't.
    error MemberUnchanged(address member);

    /// @notice A member confirmed an operation; the first confirmation also publishes its content.
    event Confirmed(
        bytes32 indexed id, address indexed member, address target, uint256 value, bytes data, bytes32 salt
    );

    /// @notice A member took the confirmation back.
    event Revoked(bytes32 indexed id, address indexed member);

    /// @notice The threshold was reached; the operation may run from `readyAt` (seconds) on.
    event Queued(bytes32 indexed id, uint256 readyAt);

    /// @notice The operation ran.
    event Executed(bytes32 indexed id);

    /// @notice What governs changed: members, threshold or delay (seconds).
    event Changed(uint256 members, uint256 threshold, uint256 delay);

    /// @notice The shortest delay that can be set, in seconds. A devnet's genesis may start below.
    uint256 public constant MINIMUM_DELAY = 48 hours;

    /// @notice How long an operation may run once it is ready, in seconds.
    uint256 public constant GRACE_PERIOD = 14 days;

    /// @notice Members at the most, so that counting confirmations is bounded.
    uint256 public constant MEMBERS_MAX = 16;

    /// @notice Seconds between the last needed confirmation and execution.
    uint256 public delay;

    /// @notice Confirmations that an operation needs.
    uint256 public threshold;

    /// @notice Who may confirm.
    address[] public members;

    /// @notice When an operation may run, in seconds; 0 while it lacks confirmations.
    mapping(bytes32 id => uint256 time) public readyAt;

    /// @notice Which operations ran.
    mapping(bytes32 id => bool ran) public executed;

    /// @notice Who confirmed what.
    mapping(bytes32 id => mapping(address member => bool confirmed)) public confirmedBy;

    modifier onlyMember() {
        if (!isMember(msg.sender)) revert OnlyMember(msg.sender);
        _;
    }

    modifier onlySelf() {
        if (msg.sender != address(this)) revert OnlySelf(msg.sender);
        _;
    }

    /*//////////////////////////////////////////////////////////////////////////
                                     OPERATIONS
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Confirms the operation that calls `target` with `value` wei and `data`. The delay
    ///         starts with the confirmation that reaches the threshold; confirming a lapsed
    ///         operation again starts it anew.
    /// @param  salt Tells apart operations that are otherwise alike.
    /// @return id   The operation's identity.
    function confirm(address target, uint256 value, bytes calldata data, bytes32 salt)
        external
        onlyMember
        returns (bytes32 id)
    {
        id = operationId(target, value, data, salt);
        if (executed[id]) revert AlreadyExecuted(id);
        confirmedBy[id][msg.sender] = true;
        emit Confirmed(id, msg.sender, target, value, data, salt);
        uint256 ready = readyAt[id];
        bool lapsed = ready != 0 && block.timestamp > ready + GRACE_PERIOD;
        if ((ready == 0 || lapsed) && confirmations(id) >= threshold) {
            readyAt[id] = block.timestamp + delay;
            emit Queued(id, block.timestamp + delay);
        }
    }

    /// @notice Takes the caller's confirmation back. Below the threshold the operation's wait is
    ///         over; it starts from the beginning when it is confirmed again.
    function revoke(bytes32 id) external onlyMember {
        confirmedBy[id][msg.sender] = false;
        emit Revoked(id, msg.sender);
        if (confirmations(id) < threshold) readyAt[id] = 0;
    }

    /// @notice Runs a confirmed operation after its delay. Anyone may call and pays `value` with
    ///         `msg.value` or lets the contract's own balance pay.
    /// @dev    Reverts with AlreadyExecuted, NotConfirmed, NotReady, Expired or OperationFailed.
    function execute(address target, uint256 value, bytes calldata data, bytes32 salt)
        external
        payable
    {
        bytes32 id = operationId(target, value, data, salt);
        _requireRunnable(id);
        executed[id] = true;
        emit Executed(id);
        (bool success, bytes memory answer) = target.call{value: value}(data);
        if (!success) revert OperationFailed(id, answer);
    }

    /// @notice The identity of an operation: keccak256 of the ABI encoding of its fields.
    function operationId(address target, uint256 value, bytes calldata data, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(target, value, data, salt));
    }

    /// @notice How many of today's members have confirmed.
    function confirmations(bytes32 id) public view returns (uint256 count) {
        for (uint256 i; i < members.length; ++i) {
            if (confirmedBy[id][members[i]]) ++count;
        }
    }

    function _requireRunnable(bytes32 id) private view {
        if (executed[id]) revert AlreadyExecuted(id);
        uint256 count = confirmations(id);
        uint256 ready = readyAt[id];
        if (ready == 0 || count < threshold) revert NotConfirmed(id, count, threshold);
        if (block.timestamp < ready) revert NotReady(id, ready);
        if (block.timestamp > ready + GRACE_PERIOD) revert Expired(id, ready + GRACE_PERIOD);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                     MEMBERSHIP
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Whether `account` may confirm.
    function isMember(address account) public view returns (bool) {
        for (uint256 i; i < members.length; ++i) {
            if (members[i] == account) return true;
        }
        return false;
    }

    /// @notice How many members there are.
    function memberCount() external view returns (uint256) {
        return members.length;
    }

    /// @notice Admits a member and sets the threshold; only as an operation.
    function addMember(address member, uint256 newThreshold) external onlySelf {
        if (member == address(0) || isMember(member)) revert MemberUnchanged(member);
        members.push(member);
        _setThreshold(newThreshold);
    }

    /// @notice Removes a member and sets the threshold; only as an operation.
    function removeMember(address member, uint256 newThreshold) external onlySelf {
        uint256 last = members.length - 1;
        for (uint256 i; i <= last; ++i) {
            if (members[i] == member) {
                members[i] = members[last];
                members.pop();
                _setThreshold(newThreshold);
                return;
            }
        }
        revert MemberUnchanged(member);
    }

    /// @notice Sets the delay, in seconds; only as an operation, and never below MINIMUM_DELAY.
    function setDelay(uint256 newDelay) external onlySelf {
        if (newDelay < MINIMUM_DELAY) revert DelayTooShort(newDelay, MINIMUM_DELAY);
        delay = newDelay;
        emit Changed(members.length, threshold, newDelay);
    }

    function _setThreshold(uint256 newThreshold) private {
        uint256 count = members.length;
        if (newThreshold == 0 || newThreshold > count || count > MEMBERS_MAX) {
            revert InvalidMembership(count, newThreshold);
        }
        threshold = newThreshold;
        emit Changed(count, newThreshold, delay);
    }
}
