"""`trade_`: orders, the book, and what became of trades, over JSON-RPC and websocket."""
