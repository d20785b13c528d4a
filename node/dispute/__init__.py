"""Disputes as people see them: games, happenings, single steps, and moves made by hand."""
