"""Between the layers: batches and roots to L1, deposits and derivation from L1."""
