"""The order book: from a log of inputs to fills, the same ones every time.

Nothing here reads a clock, a disk or the chain. Time, mark prices and what the chain made of a fill
come in as inputs, so that whoever has the log has the book.
"""
