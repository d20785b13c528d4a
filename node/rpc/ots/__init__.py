"""`ots_`: what the block explorer Otterscan asks of a node (docs.otterscan.io, JSON-RPC API)."""
