"""Which transactions come next: the mempool and the block builder."""
