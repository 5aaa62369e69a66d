"""Which option a key means, and whether its value is one that the option takes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from ..errors import shown
from ..suggestions import did_you_mean
from .reading import Config


class Place(NamedTuple):
    """Where a value comes from: the key as it is written, and its table."""

    key: str
    table: str | None


def keys(command: click.Command) -> dict[str, click.Parameter]:
    """Return the parameters that a file can give, by the long names of the options.

    Examples
    --------
    >>> option, source = click.Option(["--hidden-size", "-n"]), click.Argument(["source"])
    >>> sorted(keys(click.Command("replay", params=[option, source])))
    ['hidden-size', 'source']
    """
    return {
        _key(parameter): parameter
        for parameter in command.params
        # Not the file itself, nor what asks for a text.
        if parameter.expose_value and parameter.name != "show_config"
    }


def settings_from(config: Config, ctx: click.Context) -> dict[str, Any]:
    """Return the values for a command by the names of its parameters, as click wants them.

    Parameters
    ----------
    config
        The file.
    ctx
        That of the command, whose parent knows the other commands.

    Raises
    ------
    ConfigError
        A key that no option has, or a value that its option does not take.
    """
    known = keys(ctx.command)
    settings: dict[str, Any] = {}
    for place, value in _entries(config, ctx).items():
        parameter = known.get(_spelt(place.key))
        if parameter is None:
            _refuse_unknown(config, place, known, ctx)
            continue
        problem = _problem(parameter, value)
        if problem is None:
            settings[str(parameter.name)] = value = _for_click(parameter, value)
            problem = _complaint(parameter, value, ctx)
        if problem is not None:
            raise config.error(f"{place.key} {problem.rstrip('.')}", *place, None)
    return settings


def _entries(config: Config, ctx: click.Context) -> dict[Place, Any]:
    """Return all values that are for this command, those of its own table last."""
    entries: dict[Place, Any] = {}
    name = ctx.info_name
    for key, value in config.values.items():
        if not isinstance(value, dict):
            entries[Place(key, None)] = value
        elif key != name and key not in (others := _commands(ctx)):
            near = did_you_mean(key, others)
            raise config.error(f"no command is called {shown(key)}", key, None, near)
    own = config.values.get(str(name), {})
    if isinstance(own, dict):
        entries |= {Place(key, name): value for key, value in own.items()}
    _refuse_twice(config, list(entries))
    return entries


def _refuse_twice(config: Config, places: list[Place]) -> None:
    """Refuse one option in two spellings: either could be meant."""
    seen: dict[Place, str] = {}
    for key, table in places:
        spelt = Place(_spelt(key), table)
        if spelt in seen:
            raise config.error(f"{key} is given twice, also as {seen[spelt]}", key, table, None)
        seen[spelt] = key


def _refuse_unknown(config: Config, place: Place, known: Any, ctx: click.Context) -> None:
    """Raise, unless the key stands above all tables and is meant for another command."""
    if place.table is None:
        others = [keys(command) for command in _commands(ctx).values()]
        if any(_spelt(place.key) in other for other in others):
            return
    near = did_you_mean(_spelt(place.key), known)
    what = f"{ctx.info_name} has no option {shown(place.key)}"
    raise config.error(what, *place, near)


def _commands(ctx: click.Context) -> dict[str, click.Command]:
    group = ctx.parent.command if ctx.parent else None
    if not isinstance(group, click.Group):
        return {str(ctx.info_name): ctx.command}
    found = {name: group.get_command(ctx, name) for name in group.list_commands(ctx)}
    return {name: command for name, command in found.items() if command is not None}


def _spelt(key: str) -> str:
    return key.replace("_", "-")


def _key(parameter: click.Parameter) -> str:
    long = [name for name in parameter.opts if name.startswith("--")]
    return long[0].removeprefix("--") if long else _spelt(str(parameter.name))


def _problem(parameter: click.Parameter, value: Any) -> str | None:
    """Say what is wrong with the type of a value, None if nothing is."""
    what, types = _takes(parameter)
    several = parameter.multiple or parameter.nargs != 1
    items = list(_items(value)) if several else [value]
    # Python counts true and false as whole numbers.
    if all(isinstance(item, types) and (bool in types) == isinstance(item, bool) for item in items):
        return None
    return f"must be {what}{', or an array of them' if several else ''}"


def _takes(parameter: click.Parameter) -> tuple[str, tuple[type, ...]]:
    """Return what an option takes, in words and as types."""
    kind = parameter.type
    if isinstance(kind, click.types.BoolParamType):
        return "true or false", (bool,)
    if isinstance(kind, click.types.IntParamType):
        return "a whole number", (int,)
    if isinstance(kind, click.types.FloatParamType):
        return "a number", (int, float)
    if isinstance(kind, click.types.StringParamType | click.Choice | click.Path):
        return "a text in quotes", (str,)
    # A type of our own reads texts, which may look like numbers.
    return "a text in quotes or a number", (str, int, float)


def _items(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]


def _for_click(parameter: click.Parameter, value: Any) -> Any:
    """Return a value as click takes it from a command line: texts for types of our own."""
    plain = click.types.IntParamType | click.types.FloatParamType | click.types.BoolParamType
    items = [item if isinstance(parameter.type, plain) else str(item) for item in _items(value)]
    return items if parameter.multiple or parameter.nargs != 1 else items[0]


def _complaint(parameter: click.Parameter, value: Any, ctx: click.Context) -> str | None:
    """Let the option judge a value; return what it says, None if it takes it."""
    try:
        parameter.process_value(ctx, value)
    except click.UsageError as error:
        return f"is wrong: {error.message}"
    return None
