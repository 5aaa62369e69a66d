"""The network and how it learns."""

import click

from ..drift import ACTIONS, OF_ERRORS, OF_MISTAKES
from ..settings import Settings
from .group import group
from .values import NOT_NEGATIVE, POSITIVE, Choice, check_finite

network_options = group(
    click.option(
        "--cell",
        metavar="NAME",
        default=Settings.cell,
        help="Recurrent cell: rnn (Elman's, with tanh), rnn_relu, gru, lstm, or any other file "
        "in streamrnn/cells.",
    ),
    click.option(
        "--hidden-size",
        type=POSITIVE,
        default=Settings.hidden_size,
        help="Units in each layer.",
    ),
    click.option(
        "--num-layers",
        type=POSITIVE,
        default=Settings.num_layers,
        help="Layers, one above the other.",
    ),
    click.option(
        "--truncation",
        type=POSITIVE,
        default=Settings.truncation,
        help="How many rows back the gradient goes.",
    ),
    click.option(
        "--update-every",
        type=POSITIVE,
        default=Settings.update_every,
        help="Rows between two updates of the weights.",
    ),
    click.option(
        "--optimizer",
        metavar="NAME",
        default=Settings.optimizer,
        help="How a gradient changes the weights: sgd, momentum, nesterov, rmsprop, adagrad, adam, "
        "adamw, obgd, intentional, or any other file in streamrnn/optimizers.",
    ),
    click.option(
        "--lr",
        type=click.FloatRange(min=0, min_open=True),
        callback=check_finite,
        help="Learning rate, the size of a step.  [default: the optimizer's own, adam's is 0.002]",
    ),
    click.option(
        "--clip-norm",
        type=click.FloatRange(min=0),
        callback=check_finite,
        default=Settings.clip_norm,
        help="Largest norm of the gradient; a longer one is shortened. 0: no limit.",
    ),
    click.option(
        "--head",
        metavar="NAME",
        help="How the prediction is read off the hidden state: rls, linear_skip, linear, or any "
        "other file in streamrnn/heads.  [default: rls for numbers, linear_skip for labels]",
    ),
    click.option(
        "--loss",
        metavar="NAME",
        help="What is made small: huber, squared, absolute or quantile for numbers, cross_entropy "
        "or logistic for labels, or any other file in streamrnn/losses.  [default: huber, "
        "cross_entropy]",
    ),
    click.option(
        "--drift",
        type=Choice([*OF_ERRORS, *OF_MISTAKES]),
        help="River's detector that watches the errors; those from ddm on are for labels.  "
        "[default: none]",
    ),
    click.option(
        "--drift-action",
        type=Choice(ACTIONS),
        default=Settings.drift_action,
        help="What is done when errors have grown: a higher learning rate for a while, or a fresh "
        "optimizer or hidden state.",
    ),
    click.option(
        "--lags",
        type=NOT_NEGATIVE,
        default=Settings.lags,
        help="How many of the last targets become features of the linear baseline. (The network "
        "looks at the last targets by itself.)",
    ),
    click.option(
        "--seed", type=NOT_NEGATIVE, default=Settings.seed, help="Seed of the first weights."
    ),
)
