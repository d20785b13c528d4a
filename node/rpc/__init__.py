"""JSON-RPC over HTTP and websocket, one file a namespace."""
