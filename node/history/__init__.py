"""Which transactions an address took part in: an index beside the chain, made when it is asked."""
