"""`debug_`: encodings as they are hashed, and what a transaction does when it runs."""
