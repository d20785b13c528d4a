"""Witnesses: what a one-step prover on L1 reads of the state before a step."""
