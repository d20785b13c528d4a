"""Random histories of the whole clearing house, on its bytecode and on an exact ledger."""
