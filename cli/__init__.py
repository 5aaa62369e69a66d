"""The command line of streamrnn: ``streamrnn replay SOURCE`` and ``streamrnn warmup``.

Every module here is cheap to import; NumPy, River and Numba are only loaded inside the functions
that need them, so that ``--help`` and ``--version`` answer at once.

How a replay flows, one file each::

    sources/ -> stream -> rows -> lags -> blocks -> contestants -> scoreboard -> report -> table
                                                        |
                                                        +-> predictions
"""
