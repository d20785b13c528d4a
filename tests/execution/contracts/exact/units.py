"""How the units of the specification relate (MARGIN.md, "Units and rounding").

p8 price, 1e-8 USD a base unit; s8 signed size, 1e-8 base; q6 quote, 1e-6 USD; ppm, 1e-6;
r12 funding rate for 8 hours, 1e-12; f12 funding index, 1e-12 USD a base unit.
"""

PPM = 10**6
"""One, in ppm."""

Q6 = 10**10
"""s8 times p8, over this, is q6: 1e-16 USD in units of 1e-6."""

R12 = 10**12
"""One, as a funding rate."""

FUNDING = 10**14
"""s8 times f12, over this, is q6: 1e-20 USD in units of 1e-6."""

F12_OF_RATED_PRICE = 10**8
"""r12 times p8, over this, is f12."""
