"""The network and how it learns: each option by itself, and all together."""

import click

from ..drift import ACTIONS, OF_ERRORS, OF_MISTAKES
from ..settings import Settings
from .group import group
from .values import NOT_NEGATIVE, POSITIVE, Amount, Choice, check_finite

CELL = click.option(
    "--cell",
    metavar="NAME",
    default=Settings.cell,
    help="Recurrent cell: rnn (Elman's, with tanh), rnn_relu, gru, lstm, or the name of "
    "any other in streamrnn/cells.",
)

HIDDEN_SIZE = click.option(
    "--hidden-size",
    type=POSITIVE,
    default=Settings.hidden_size,
    help="Units in each layer.",
)

NUM_LAYERS = click.option(
    "--num-layers",
    type=POSITIVE,
    default=Settings.num_layers,
    help="Layers, one above the other.",
)

TRUNCATION = click.option(
    "--truncation",
    type=POSITIVE,
    default=Settings.truncation,
    help="How many rows back the gradient goes.",
)

UPDATE_EVERY = click.option(
    "--update-every",
    type=POSITIVE,
    default=Settings.update_every,
    help="Rows between two updates of the weights.",
)

OPTIMIZER = click.option(
    "--optimizer",
    metavar="NAME",
    default=Settings.optimizer,
    help="How a gradient changes the weights: sgd, momentum, nesterov, rmsprop, adagrad, adam, "
    "adamw, obgd, intentional, or the name of any other in streamrnn/optimizers.",
)

LR = click.option(
    "--lr",
    type=Amount(min=0, min_open=True),
    callback=check_finite,
    help="Learning rate, the size of a step.  [default: the optimizer's own, adam's is 0.002]",
)

CLIP_NORM = click.option(
    "--clip-norm",
    type=Amount(min=0),
    callback=check_finite,
    default=Settings.clip_norm,
    help="Largest norm of the gradient; a longer one is shortened. 0: no limit.",
)

HEAD = click.option(
    "--head",
    metavar="NAME",
    help="How the prediction is read off the hidden state: rls, linear_skip, linear, or the name "
    "of any other in streamrnn/heads.  [default: rls for numbers, linear_skip for labels]",
)

LOSS = click.option(
    "--loss",
    metavar="NAME",
    help="What is made small: huber, squared, absolute or quantile for numbers, cross_entropy "
    "or logistic for labels, or the name of any other in streamrnn/losses.  [default: huber, "
    "cross_entropy]",
)

DRIFT = click.option(
    "--drift",
    type=Choice([*OF_ERRORS, *OF_MISTAKES]),
    help="River's detector that watches the errors; those from ddm on are for labels.  "
    "[default: none]",
)

DRIFT_ACTION = click.option(
    "--drift-action",
    type=Choice(ACTIONS),
    default=Settings.drift_action,
    help="What is done when errors have grown: a higher learning rate for a while, or a fresh "
    "optimizer or hidden state.",
)

LAGS = click.option(
    "--lags",
    type=NOT_NEGATIVE,
    default=Settings.lags,
    help="How many of the last targets become features of the linear baseline. (The network "
    "looks at the last targets by itself.)",
)

SEED = click.option(
    "--seed", type=NOT_NEGATIVE, default=Settings.seed, help="Seed of the first weights."
)

network_options = group(
    CELL,
    HIDDEN_SIZE,
    NUM_LAYERS,
    TRUNCATION,
    UPDATE_EVERY,
    OPTIMIZER,
    LR,
    CLIP_NORM,
    HEAD,
    LOSS,
    DRIFT,
    DRIFT_ACTION,
    LAGS,
    SEED,
)
