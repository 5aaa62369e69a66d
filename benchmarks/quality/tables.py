"""Tables of what was measured."""


def text(report):
    out = []
    for s, rows in report["streams"].items():
        for r, d in rows.items():
            out.append(
                f"{s:<28}{r:<42}"
                + "  ".join(f"{k} {sum(v) / len(v):.5g}" for k, v in d["figures"].items())
                + f"  us {min(d['us']):.0f}"
            )
    return "\n".join(out)
