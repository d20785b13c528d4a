// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  TestUSD
/// @notice The dollar of a devnet: an ERC-20 with 6 decimals that anyone may mint. Worth nothing, by
///         design; a real deployment names a real token instead.
contract TestUSD {
    /// @notice The account doesn't have that much.
    error InsufficientBalance(address account, uint256 balance, uint256 needed);

    /// @notice The owner didn't allow the spender that much.
    error InsufficientAllowance(address spender, uint256 allowance, uint256 needed);

    /// @notice ERC-20.
    event Transfer(address indexed from, address indexed to, uint256 amount);

    /// @notice ERC-20.
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    string public constant name = "Test USD";
    string public constant symbol = "TUSD";
    uint8 public constant decimals = 6;

    /// @notice ERC-20, in units of 1e-6 like every amount here.
    uint256 public totalSupply;

    /// @notice ERC-20.
    mapping(address account => uint256 balance) public balanceOf;

    /// @notice ERC-20.
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    /// @notice Makes `amount` for `to`; anyone may.
    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    /// @notice ERC-20. Reverts with InsufficientBalance.
    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
        return true;
    }

    /// @notice ERC-20; an allowance of 2^256-1 is never used up. Reverts with InsufficientAllowance or
    ///         InsufficientBalance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            if (allowed < amount) revert InsufficientAllowance(msg.sender, allowed, amount);
            allowance[from][msg.sender] = allowed - amount;
        }
        _transfer(from, to, amount);
        return true;
    }

    /// @notice ERC-20.
    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function _transfer(address from, address to, uint256 amount) private {
        uint256 balance = balanceOf[from];
        if (balance < amount) revert InsufficientBalance(from, balance, amount);
        balanceOf[from] = balance - amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}
