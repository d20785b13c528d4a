"""Every JSON-RPC method that the code has, whichever nodes serve it."""

import importlib
import inspect
import pkgutil

import node.rpc
from node.rpc.dispatch import Param


def marked_methods() -> dict[str, tuple[Param, ...]]:
    """The parameters of every method of every namespace."""
    found: dict[str, tuple[Param, ...]] = {}
    for module in pkgutil.walk_packages(node.rpc.__path__, "node.rpc."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        for _, namespace in members:
            if namespace.__module__ != module.name:
                continue
            for attribute in vars(namespace).values():
                mark = getattr(attribute, "__rpc__", None)
                if mark is not None:
                    found[mark[0]] = mark[1]
    return found
