"""Instructions by family; `table` puts them together."""
