"""The margin engine's formulas a second time, from MARGIN.md, in numbers that don't round."""
