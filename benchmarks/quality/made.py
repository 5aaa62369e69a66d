"""Series made by equations: the same numbers everywhere."""

from __future__ import annotations

import numpy as np

#: Values dropped at the start, until a system is on its attractor.
SETTLING = 1000


def henon(n: int) -> np.ndarray:
    """Return x of the Hénon map (a = 1.4, b = 0.3), (n,)."""
    x, y, out = 0.1, 0.1, np.empty(n + SETTLING)
    for t in range(len(out)):
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
        out[t] = x
    return out[SETTLING:]


def mackey_glass(n: int, delay: int = 17) -> np.ndarray:
    """Return the Mackey-Glass series by Euler steps of 1, (n,)."""
    out = np.full(n + SETTLING + delay, 1.2)
    for t in range(delay, len(out) - 1):
        before = out[t - delay]
        out[t + 1] = 0.9 * out[t] + 0.2 * before / (1.0 + before**10)
    return out[-n:]


def lorenz_states(
    n: int, sigma: float, rho: float, beta: float, step: float, every: int
) -> np.ndarray:
    """Return x of the Lorenz equations by Euler steps, each `every`-th, (n,)."""
    x, y, z, out = 1.0, 1.0, 1.0, np.empty(n + SETTLING)
    for t in range(len(out)):
        for _ in range(every):
            x, y, z = (
                x + step * sigma * (y - x),
                y + step * (x * (rho - z) - y),
                z + step * (x * y - beta * z),
            )
        out[t] = x
    return out[SETTLING:]


def lorenz(n: int) -> np.ndarray:
    """Return x of the Lorenz system by Euler steps of 0.01, every second one, (n,)."""
    return lorenz_states(n, 10.0, 28.0, 8.0 / 3.0, 0.01, 2)


def laser(n: int) -> np.ndarray:
    """Return the intensity of a laser by the Lorenz-Haken equations, as whole numbers, (n,).

    sigma = 2, r = 15, b = 0.25, in the range that describes the NH3 laser of the Santa Fe
    competition (Hübner et al. 1994); some eight values a pulse and 255 at most, as there.
    """
    intensity = lorenz_states(n, 2.0, 15.0, 0.25, 0.002, 110) ** 2
    return np.round(255.0 * intensity / intensity.max())


def standardized(values: np.ndarray) -> list[float]:
    """Return the values with mean 0 and variance 1."""
    return ((values - values.mean()) / values.std()).tolist()
