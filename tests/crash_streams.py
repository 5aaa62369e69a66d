"""Streams of all kinds as text, for runs that are broken off."""

import json


def gauss(rng):
    return f"{rng.gauss(0, 1):.3f}"


def table(n, rng, names="time,a,y"):
    """CSV of some rows: a time, a number, and a target that has to do with the number before."""
    lines, last = [names], 0.0
    for i in range(n):
        a = rng.gauss(0, 1)
        y = 0.7 * last + 0.1 * rng.gauss(0, 1)
        lines.append(f"2024-01-{1 + i // 24 % 28:02d} {i % 24:02d}:00,{a:.3f},{y:.4f}")
        last = a
    return "\n".join(lines) + "\n"


def changing(n, rng):
    """JSON Lines whose columns come and go, some with an unusual cell."""
    lines = []
    for i in range(n):
        row = {"a": rng.gauss(0, 1), "y": rng.gauss(5, 1)}
        if i // 7 % 3:
            row["b"] = rng.gauss(0, 1)
        if rng.random() < 0.1:
            row["a"] = None
        if rng.random() < 0.1:
            row["y"] = "NA"
        lines.append(json.dumps(row))
    return "\n".join(lines) + "\n"


def words(n, rng):
    """A time, words of two columns, of which new ones come late, and a target."""
    lines = ["when,weather,city,a,y"]
    for i in range(n):
        weather = rng.choice(["sun", "rain", "fog", "snow", ""][: 2 + i // (n // 4)])
        city = rng.choice(["Oslo", "Rome", "Bath"])
        lines.append(f"{1_700_000_000 + 3600 * i},{weather},{city},{gauss(rng)},{gauss(rng)}")
    return "\n".join(lines) + "\n"


def keyed(n, rng):
    """Rows of several sensors."""
    rows = [f"{rng.choice('uvwxyz')},{gauss(rng)},{gauss(rng)}" for _ in range(n)]
    return "\n".join(["sensor,a,y", *rows]) + "\n"


def late(n, rng):
    """Events whose labels come some rows later, in rows with nothing but the id, or never."""
    lines, waiting = [], []
    for i in range(n):
        lines.append({"id": f"e{i}", "a": rng.gauss(0, 1)})
        if rng.random() < 0.9:
            waiting.append((i + rng.randrange(0, 12), {"id": f"e{i}", "y": rng.gauss(0, 1)}))
        due = [row for when, row in waiting if when <= i]
        waiting = [(when, row) for when, row in waiting if when > i]
        lines += due
    return "".join(json.dumps(line) + "\n" for line in lines)


def labelled(n, rng):
    """Labels that follow one another more or less."""
    labels = ["low", "high", "odd"]
    rows, at = [], 0
    for _ in range(n):
        at = (at + (rng.random() < 0.8)) % 3
        rows.append(f"{gauss(rng)},{labels[at] if rng.random() < 0.95 else ''}")
    return "\n".join(["a,y", *rows]) + "\n"


def spoilt(n, rng):
    """CSV with cells that are no numbers, too few cells, open quotes and bytes that are no text."""
    lines = table(n, rng).splitlines()
    for i in rng.sample(range(1, n), n // 6):
        stamp, a, y = lines[i].split(",")
        lines[i] = rng.choice([f"{stamp},x,{y}", f"{stamp},{a}", f'{stamp},"{a},{y}', "\udcff,1,2"])
    return "\n".join(lines) + "\n"
