"""Keepers: whoever runs one does what anybody may do to keep the books in order."""
