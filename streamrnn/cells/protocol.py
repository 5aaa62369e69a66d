"""The contract of a cell: what happens between the matrix products of one recurrent step.

The engine owns every matrix product, a cell only the element-wise part. For one layer of ``H``
units and one step the engine computes the *pre-activations*, a (gates, H) matrix::

    pre[: input_gates]  += x @ W_x + b_x          (from the input)
    pre[-state_gates :] += h @ W_h + b_h          (from the previous hidden state)

The two ranges overlap as far as a cell adds both parts (all gates of an LSTM); a cell that needs
them apart (the candidate of a GRU) leaves them apart. `forward` turns them into the new state and
*local Jacobian factors*; `backward` needs nothing but these factors. They are computed once, when
the sample arrives, and used in every window that the step is part of.

A cell is a NamedTuple class with these attributes, given by ``@plugin(...)``:

==============  ====================================================================================
``name``        what users write, as in ``cell="lstm"``
``n_states``    rows of ``H`` numbers carried from step to step; the first is the hidden state
``gates``       rows of ``H`` pre-activations
``input_gates`` how many of them, from the first, the input reaches
``state_gates`` how many of them, up to the last, the hidden state reaches
``n_factors``   rows of ``H`` factors
``torch_gates`` for each gate block of PyTorch's ``weight_ih``/``weight_hh``: its row in ``pre`` for
                the input part and for the state part
==============  ====================================================================================

and, if some gate's bias should not start at zero, a method ``initial_bias()`` that returns
``{row of pre: bias}``. A method ``saturated(pre)``, if there is one, says by name of each gate
where it is near an end, {name: bool (n,)}, given pre-activations of any steps, (gates, n). Fields
of the NamedTuple are floats with defaults. Constants in the functions take the arrays' precision,
as in ``one = pre.dtype.type(1)``: a bare ``1`` turns float32 loops into float64 ones. Loops run
along the units with constant row numbers: only then do they vectorise.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import by_type


@by_type
def forward(
    cell: tuple, pre: np.ndarray, before: np.ndarray, after: np.ndarray, factors: np.ndarray
) -> None:
    """Compute one step of a layer.

    Parameters
    ----------
    cell
        The cell, a NamedTuple; its type chooses the implementation.
    pre
        Pre-activations, shape (gates, H); read only.
    before
        State before the step, shape (n_states, H); read only.
    after
        State after the step, shape (n_states, H); written.
    factors
        Local Jacobian factors, shape (n_factors, H); written.
    """


@by_type
def backward(cell: tuple, factors: np.ndarray, d_state: np.ndarray, deltas: np.ndarray) -> None:
    """Take the gradient one step back through a layer's element-wise part.

    Parameters
    ----------
    cell
        The cell, a NamedTuple; its type chooses the implementation.
    factors
        What `forward` wrote for this step, shape (n_factors, H); read only.
    d_state
        On entry dL/d(state after the step), shape (n_states, H); on return the part of
        dL/d(state before the step) that does not pass through the pre-activations. The engine adds
        ``W_h @ deltas`` to its first row.
    deltas
        dL/d(pre-activations), shape (gates, H); written.
    """
