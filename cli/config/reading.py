"""The file: opened, read as TOML, and where in it a key stands."""

import os
import re
import tomllib
from contextlib import suppress
from typing import Any, NamedTuple

from ..errors import DataError
from ..suggestions import did_you_mean

HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
ASSIGNMENT = re.compile(r"\s*([^=#]+?)\s*=")
PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class ConfigError(DataError):
    """The file cannot be used; ends the run with exit code 2, as a wrong option does."""

    exit_code = 2


class Config(NamedTuple):
    """A file that was read."""

    path: str
    text: str
    values: dict[str, Any]

    def error(self, what: str, key: str, table: str | None, remedy: str | None) -> ConfigError:
        """Return an error about a key, with its line."""
        line = line_of(self.text, key, table)
        place = None if line is None else f"line {line}"
        return ConfigError(what, source=self.path, place=place, remedy=remedy)


def read(path: str) -> Config:
    """Read a file.

    Raises
    ------
    ConfigError
        It cannot be opened, or is not TOML.
    """
    try:
        with open(path, "rb") as file:
            # Some editors of Windows put a mark in front, which TOML does not know.
            text = file.read().decode("utf-8-sig")
        return Config(path, text, tomllib.loads(text))
    except FileNotFoundError:
        raise ConfigError("no such file", source=path, remedy=_near(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", source=path) from None
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8, which TOML is written in"
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(what, source=path, place=f"line {line}") from None
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(str(error), path) from None
    except RecursionError:
        raise ConfigError("is not TOML: nested too deeply", source=path) from None


def _near(path: str) -> str | None:
    folder, name = os.path.split(path)
    around: list[str] = []
    with suppress(OSError):
        around = os.listdir(folder or ".")
    return did_you_mean(name, around)


def _not_toml(message: str, path: str) -> ConfigError:
    found = PLACE.search(message)
    place = None
    if found:
        place = f"line {found[1]}, column {found[2]}" if found[1] else "at its end"
    what = f"is not TOML: {PLACE.sub('', message)}"
    remedy = 'Texts stand in quotes: cell = "gru"' if "Invalid value" in message else None
    return ConfigError(what, source=path, place=place, remedy=remedy)


def line_of(text: str, key: str, table: str | None) -> int | None:
    """Return the line on which a key stands, None if it is written in a way not looked for.

    The parser does not tell. A line in a text of several lines may look like a key, too; at
    worst a message names that one.

    Examples
    --------
    >>> text = "seed = 1" + chr(10) + "[replay]" + chr(10) + "seed = 2"
    >>> line_of(text, "seed", None), line_of(text, "seed", "replay"), line_of(text, "lr", None)
    (1, 3, None)
    >>> line_of("live.seed = 3", "seed", "live"), line_of("[live]", "live", None)
    (1, 1)
    """
    wanted = [key] if table is None else [table, key]
    inside: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.match(line):
            inside = _parts(header[1])
            if inside == wanted:
                return number
        elif (name := ASSIGNMENT.match(line)) and [*inside, *_parts(name[1])] == wanted:
            return number
    return None


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]
