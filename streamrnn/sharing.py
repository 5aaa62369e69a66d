"""Several cores at one sample: a wide model's products and updates, shared with helper threads.

One thread, the *main* one, runs a model; helpers are threads that run `assist` and wait for it in a
loop. Where there is enough to do, main posts a share of it to every helper that is there, does its
own, takes back what nobody has begun, and waits for the rest. It never waits for a helper to
come: with none, or with helpers that the system has put aside, it does all by itself.

Work is cut at the borders of the blocks that the kernels in `linalg` work in, so the bits do not
depend on the number of threads. The same helper has the same rows in every step, which its own
cache then holds.

Code for small models is compiled without any of this: the type of the team decides, `Alone` or
`Team`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn._dispatch import by_type, glue, kernel
from streamrnn.atomics import exchange, give_way, look, nap, pause, publish
from streamrnn.jobs import (
    ALONE,
    CREDIT,
    FIRST,
    JOB,
    KIND,
    LAST,
    N_FIGURES,
    NEXT,
    SLOT_SIZE,
    STATE,
    Team,
    perform,
)
from streamrnn.linalg import Alone
from streamrnn.views import keep, matrix, matrix_at, row

#: In main's own row, the state says whether a model is being run.
_RESTING, _BUSY = range(2)

#: States of a helper. Main changes IDLE to POSTED, and back if it wants its work back; a helper
#: changes POSTED to TAKEN, and to IDLE when it is done. Only a helper comes and goes.
ABSENT, _IDLE, _POSTED, _TAKEN = range(4)

#: A helper that finds nothing to do for so many turns, some 0.2 ms, leaves: the next sample of a
#: fast stream still finds it. While a model is being run, it naps instead: main works alone, or has
#: no core at present. After fewer turns it lets others have the core.
_TURNS_TO_STAY, _TURNS_TO_SPIN = 1 << 13, 1 << 10

#: Multiplications that are worth the 0.2 µs of handing them over, and what an update of a
#: parameter or its square counts for.
_LEAST_SHARE = 1 << 14

#: Time is counted in turns of waiting, of some 10 ns; a core does about so many multiplications in
#: one. What is gained makes good for some 1.5 ms of waiting at most; after that main works alone
#: for 10 ms, for 20 if that happens again soon, and so on up to 0.3 s.
_WORK_OF_A_TURN, _GREATEST_CREDIT = 1 << 8, 1 << 17
_LEAST_ALONE, _GREATEST_ALONE = 1 << 20, 1 << 25

_INTEGER, _DOUBLE = np.int64(0), np.float64(0)


@glue
def is_shared(team: Team, work: int) -> bool:
    """Say whether there may be helpers, and so many multiplications are worth sharing."""
    return team.slots.shape[0] > 1 and work >= 2 * _LEAST_SHARE


@glue
def _n_idle(slots):
    n = 0
    for place in range(1, slots.shape[0]):
        if look(row(slots, place), STATE) == _IDLE:
            n += 1
    return n


@glue
def _n_shares(worth, blocks, threads):
    """Return the least of three numbers, but 1 at least."""
    n = worth if worth < threads else threads
    n = blocks if blocks < n else n
    return n if n > 1 else 1


@glue
def _cut(words, kind, total, grain, share, shares):
    """Write which part of a job one of so many shares is; the last has the remainder."""
    blocks = total // grain
    words[KIND] = kind
    words[FIRST] = blocks * share // shares * grain
    words[LAST] = total if share + 1 == shares else blocks * (share + 1) // shares * grain


@glue
def share(team: Team, kind: int, job: tuple, total: int, grain: int, work: int) -> None:
    """Do a job, from 0 to `total`, together with the helpers that are there.

    Shares begin at multiples of `grain`. `work` says how much there is to do.
    """
    keep(job, row(team.slots, 0), JOB)
    _share_written(team, kind, total, grain, work)


@kernel
def _share_written(team, kind, total, grain, work):
    """Do as `share` does with the job in main's row."""
    slots = team.slots
    mine = row(slots, 0)
    shares = 1
    if mine[ALONE] > 0:
        publish(mine, ALONE, mine[ALONE] - work // _WORK_OF_A_TURN)
    else:
        shares = _n_shares(work // _LEAST_SHARE, total // grain, _n_idle(slots) + 1)
    posted = 1
    for place in range(1, slots.shape[0]):
        words = row(slots, place)
        if posted < shares and look(words, STATE) == _IDLE:
            for i in range(JOB, ALONE):
                words[i] = mine[i]
            _cut(words, kind, total, grain, posted, shares)
            if exchange(words, STATE, _IDLE, _POSTED):
                posted += 1
    _cut(mine, kind, total, grain, 0, shares)
    perform(team, mine)
    for share in range(posted, shares):  # a helper has left in between
        _cut(mine, kind, total, grain, share, shares)
        perform(team, mine)
    for place in range(1, slots.shape[0]):  # what nobody has begun
        words = row(slots, place)
        if look(words, STATE) == _POSTED and exchange(words, STATE, _POSTED, _IDLE):
            perform(team, words)
    waited = 0
    for place in range(1, slots.shape[0]):
        waited += _wait_for(row(slots, place))
    if shares > 1:
        _judge(mine, (work - work // shares) // (2 * _WORK_OF_A_TURN) - waited)


@glue
def _judge(mine, gain):
    """Go on alone for a while if helpers do not save much more time than they take.

    They do where other programs want the cores: a helper that is put aside in the middle of its
    share costs milliseconds. Helpers sleep meanwhile.
    """
    mine[CREDIT] += gain
    if mine[NEXT] == 0:
        mine[NEXT] = _LEAST_ALONE
    if mine[CREDIT] > _GREATEST_CREDIT:
        mine[CREDIT], mine[NEXT] = _GREATEST_CREDIT, _LEAST_ALONE
    elif mine[CREDIT] < 0:
        mine[CREDIT] = 0
        publish(mine, ALONE, mine[NEXT])
        if mine[NEXT] < _GREATEST_ALONE:
            mine[NEXT] *= 2


@kernel
def _wait_for(words):
    """Wait until a helper is done; return how many turns it took."""
    turns = 0
    while look(words, STATE) == _TAKEN:
        turns += 1
        if turns > _GREATEST_CREDIT:
            give_way()
        pause()
    return turns


# --- coming together


@by_type
def meet(pattern: tuple, address: int, n_slots: int) -> Any:
    """Return the team of the pattern's type whose figures, then slots, begin at an address."""


@by_type
def begin(team: tuple) -> None:
    """Say that a model is being run, so that helpers stay."""


@by_type
def end(team: tuple) -> None:
    """Say that no model is being run."""


@by_type
def assist(team: tuple, place: int) -> None:
    """Help whoever runs models, until there has been nothing to do for a while."""


@meet.register(Alone)
def _(pattern, address, n_slots):
    return Alone()


@meet.register(Team)
def _(pattern, address, n_slots):
    figures = row(matrix_at(address, 1, N_FIGURES, _DOUBLE), 0)
    words = row(matrix_at(address, 1, N_FIGURES + n_slots * SLOT_SIZE, _INTEGER), 0)
    slots = matrix(words, N_FIGURES, n_slots, SLOT_SIZE)
    return Team(slots, figures, pattern.optimizer, pattern.real)


@begin.register(Alone)
def _(team):
    pass


@begin.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), STATE, _BUSY)


@end.register(Alone)
def _(team):
    pass


@end.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), STATE, _RESTING)


@assist.register(Alone)
def _(team, place):
    pass


@assist.register(Team)
def _(team, place):
    main, words = row(team.slots, 0), row(team.slots, place)
    publish(words, STATE, _IDLE)
    turns = 0
    while True:
        if look(words, STATE) == _POSTED:
            if exchange(words, STATE, _POSTED, _TAKEN):
                perform(team, words)
                publish(words, STATE, _IDLE)
                turns = 0
        else:
            turns += 1
            pause()
            if turns >= _TURNS_TO_STAY:
                if look(main, STATE) == _RESTING and exchange(words, STATE, _IDLE, ABSENT):
                    return
                nap()
            elif turns % _TURNS_TO_SPIN == 0:
                give_way()
