"""The game about one output root: its rules as a model, and the strategy that can't lose it."""
