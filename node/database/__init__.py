"""What an operator does with the database of a node that is stopped."""
