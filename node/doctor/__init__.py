"""What may keep a node from working, found before it does: each finding with its remedy."""
