"""Stories told on a running devnet, over JSON-RPC alone."""
