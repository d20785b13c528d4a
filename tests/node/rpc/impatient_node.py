"""A node like any other, in a process of its own, whose limits come from the command line.

Usage: `python -m tests.node.rpc.impatient_node '{"RPC_BODY_SECONDS_MAX": 1}' node --role l1 ...`.
Limits are set before anything reads them; tests needn't wait out the real ones.
"""

import json
import sys

from node import limits

if __name__ == "__main__":
    for name, value in json.loads(sys.argv.pop(1)).items():
        if not hasattr(limits, name):
            raise SystemExit(f"there is no limit {name}")
        setattr(limits, name, value)

    from node.cli.main import main

    main()
