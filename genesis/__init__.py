"""Where a chain begins: its configuration, its predeploys and its first block."""
