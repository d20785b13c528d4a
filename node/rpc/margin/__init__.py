"""`margin_`: the clearing house's accounts, markets and what-ifs, and proofs of them.

docs/margin-rpc.md has the methods with an example each.
"""

from node.rpc.margin.methods import MarginMethods

__all__ = ["MarginMethods"]
