"""L1 items to L2 blocks, one file a stage."""
