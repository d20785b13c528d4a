"""What a node does besides answering: one file a role."""
