"""Threefry-2x32-20 (Salmon et al. 2011) in whole numbers, and noise made of it."""

import math

import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def threefry(counter, key):
    keys = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x = [(c + k) % 2**32 for c, k in zip(counter, key, strict=True)]
    for n in range(20):
        x[0] = (x[0] + x[1]) % 2**32
        bits = ROTATIONS[n % 8]
        x[1] = ((x[1] << bits) % 2**32 | x[1] >> (32 - bits)) ^ x[0]
        if n % 4 == 3:
            r = n // 4 + 1
            x = [(x[0] + keys[r % 3]) % 2**32, (x[1] + keys[(r + 1) % 3] + r) % 2**32]
    return x


def noise(n, deviation, number, place, key):
    """As many numbers: the first words of the counters, then the second words, as far as needed."""
    pairs = [threefry((number, place + i), key) for i in range((n + 1) // 2)]
    words = [pair[0] for pair in pairs[: n // 2]] + [pair[1] for pair in pairs[: n // 2]]
    words += [pairs[-1][0]] if n % 2 else []
    return (np.array(words) + 0.5 - 2**31) / 2**31 * deviation * math.sqrt(3)
