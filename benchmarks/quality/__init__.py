"""How good predictions are on public streams, beside simple and well-known models.

``PYTHONPATH=benchmarks python -m quality --help`` says how it is run; `docs/quality.md` has what
came of it.
"""
