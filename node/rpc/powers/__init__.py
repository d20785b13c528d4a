"""`evm_`, `anvil_`, `hardhat_`: the powers of a devnet, under the names that tools call them by."""
