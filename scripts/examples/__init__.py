"""Programs that show how to use the node; start one with `python -m scripts.examples.NAME`."""
