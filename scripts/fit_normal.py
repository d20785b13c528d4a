#!/usr/bin/env python3
"""Derive the numbers in NormalMath.sol and Scenarios.sol again, from series alone.

    scripts/fit_normal.py          print them, and the error of the polynomial

W(z) = e^(z^2/2) N(-z), N the normal distribution, is smooth and slow in u = 16.5 / (z + 6) - 1.75,
which takes z from 0 to 16 onto 1 to -1. Interpolating it at the Chebyshev points of u comes
within a small factor of the best polynomial there is; all numbers are then rounded to 2^-96.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parent.parent / "execution" / "contracts" / "libraries"
"""Where the numbers stand."""

DIGITS = 140
"""Of working precision: e^(16^2/2) costs W 56 of them to cancellation."""

DEGREE = 28
"""Of the polynomial; its error, 6e-26, is far below a wad at any price in bounds."""

ONE = Decimal(2**96)

MOVES_PERCENT = (16, 12, 8, 4, -4, -8, -12, -16, -66, -33, 50, 100, 200, 300, 400, 500)
"""Spot moves of the scenarios, without the one of zero."""

PI = Decimal(
    "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253"
    "42117067982148086513282306647093844609550582231725359408128481117450284102701938521105559645"
)

COSINE_TERMS = 120
"""Of the cosine's series, which is only asked for up to pi."""


def distance(u: Decimal) -> Decimal:
    """The z that u stands for."""
    return Decimal("16.5") / (u + Decimal("1.75")) - 6


def mills(z: Decimal) -> Decimal:
    """W(z) by the series of N around 0 (Abramowitz and Stegun 26.2.11)."""
    term = total = z
    odd = 1
    while term > Decimal(10) ** -DIGITS:
        odd += 2
        term *= z * z / odd
        total += term
    return (z * z / 2).exp() / 2 - total / (2 * PI).sqrt()


def cosine(x: Decimal) -> Decimal:
    """By its series around 0."""
    term = total = Decimal(1)
    for k in range(1, COSINE_TERMS):
        term *= -x * x / ((2 * k - 1) * (2 * k))
        total += term
    return total


def interpolate(f: Callable[[Decimal], Decimal], degree: int) -> list[Decimal]:
    """Coefficients of u^0, u^1... of the polynomial that meets f at the Chebyshev points."""
    count = degree + 1
    points = [cosine(PI * (2 * j + 1) / (2 * count)) for j in range(count)]
    values = [f(point) for point in points]
    below, basis = [Decimal(0)] * count, [Decimal(1)] + [Decimal(0)] * degree
    result = [Decimal(0)] * count
    for k in range(count):
        heights = [evaluate(basis, point) for point in points]
        product = sum((v * h for v, h in zip(values, heights, strict=True)), Decimal(0))
        weight = product * (2 if k else 1) / count
        result = [r + weight * b for r, b in zip(result, basis, strict=True)]
        below, basis = basis, _next_chebyshev(below, basis, first=k == 0)
    return result


def _next_chebyshev(below: list[Decimal], basis: list[Decimal], *, first: bool) -> list[Decimal]:
    """T(k+1) = 2 u T(k) - T(k-1), and T(1) = u."""
    shifted = [Decimal(0), *basis[:-1]]
    return shifted if first else [2 * s - b for s, b in zip(shifted, below, strict=True)]


def evaluate(coefficients: Sequence[Decimal], u: Decimal) -> Decimal:
    """Horner's rule."""
    total = Decimal(0)
    for coefficient in reversed(coefficients):
        total = total * u + coefficient
    return total


def q96(x: Decimal) -> int:
    """The nearest multiple of 2^-96, in such units."""
    return int((x * ONE).to_integral_value())


def mills_coefficients() -> list[int]:
    """Of the polynomial in NormalMath.sol, lowest power first, Q96."""
    with localcontext() as context:
        context.prec = DIGITS
        return [q96(c) for c in interpolate(lambda u: mills(distance(u)), DEGREE)]


def mills_error(samples: int = 1000) -> Decimal:
    """The largest error of the rounded polynomial at evenly spaced u."""
    coefficients = [c / ONE for c in map(Decimal, mills_coefficients())]
    with localcontext() as context:
        context.prec = DIGITS
        grid = [Decimal(2 * i - samples) / samples for i in range(samples + 1)]
        return max(abs(evaluate(coefficients, u) - mills(distance(u))) for u in grid)


def log_moves() -> dict[int, int]:
    """ln(1 + u), Q96, of each spot move in percent."""
    with localcontext() as context:
        context.prec = DIGITS
        return {m: q96((1 + Decimal(m) / 100).ln()) for m in MOVES_PERCENT}


def main() -> None:
    """Print everything."""
    for power, coefficient in enumerate(mills_coefficients()):
        print(f"u^{power:<3} {coefficient}")
    print(f"error {mills_error():.2e}")
    for move, logarithm in log_moves().items():
        print(f"ln(1 {move:+}%) {logarithm}")
    with localcontext() as context:
        context.prec = DIGITS
        print(f"ln 2 {q96(Decimal(2).ln())}")


if __name__ == "__main__":
    main()
