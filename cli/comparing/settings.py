"""What the user asked a comparison for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import click

from ..settings import Settings

#: Which settings networks differ in, in the order in which their names have them.
VARIED = ("cell", "hidden_size", "truncation", "optimizer", "lr")


@dataclass(frozen=True)
class CompareSettings:
    """The options of ``streamrnn compare``.

    Parameters
    ----------
    shared
        What all networks have in common, and what is read and written.
    varied
        The values of each of `VARIED`, each once.
    seeds
        How many networks of each configuration there are, of consecutive seeds.
    most
        The largest number of configurations.
    river
        Names of River's models.
    chart
        A file for a picture, or None.
    jobs
        How many networks play at once, None for one a core.
    """

    shared: Settings
    varied: dict[str, tuple]
    seeds: int
    most: int
    river: tuple[str, ...]
    chart: str | None
    jobs: int | None

    def configurations(self) -> Iterator[Settings]:
        """Return the settings of each network, but for its seed.

        Raises
        ------
        click.UsageError
            If they are too many.
        """
        values = [self.varied[name] for name in VARIED]
        count = 1
        for one in values:
            count *= len(one)
        if count > self.most:
            sizes = " x ".join(str(len(one)) for one in values if len(one) > 1)
            raise click.UsageError(
                f"{sizes} = {count:,} networks are more than {self.most}: name fewer, or give "
                f"--most {count}."
            )
        for combination in product(*values):
            yield replace(self.shared, **dict(zip(VARIED, combination, strict=True)))
