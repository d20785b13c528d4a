"""What a devnet can do and a rollup can't: skip time, mine at will, take snapshots, reorg."""
