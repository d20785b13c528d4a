"""The exchange: checks orders, matches them, and answers when what it did is on disk."""
