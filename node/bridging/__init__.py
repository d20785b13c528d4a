"""Ether and collateral between the layers, as their owners move them."""
