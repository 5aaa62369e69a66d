"""The command line of streamrnn: ``streamrnn replay SOURCE`` and its fellows.

Every module here is cheap to import; NumPy, River and Numba are only loaded inside the functions
that need them, so that ``--help`` and ``--version`` answer at once.

``main`` has the list of commands, ``commands`` finds one and imports its module, ``options/`` has
what several of them take, ``config/`` lets a file say it, ``ending`` is how each ends.

How a replay flows, one file each::

    sources/ -> stream -> rows -> lags -> blocks -> contestants -> scoreboard -> report -> table
                                                        |
                                                        +-> predictions
"""
