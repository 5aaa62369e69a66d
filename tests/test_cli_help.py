"""Help, colours, completion: what the command line says of itself, and how fast."""

import os
import subprocess
import sys
import time

import click
import pytest
from cli_helpers import COMMAND, invoke
from streamrnn_cli import colour
from streamrnn_cli.main import commands

CONTEXT = click.Context(commands)
NAMES = commands.list_commands(CONTEXT)
RED = "\x1b[31m"


def command_of(name):
    return commands.get_command(CONTEXT, name)


def run(*args, **variables):
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, timeout=60, env=environment | variables
    )


@pytest.mark.parametrize("args", [["--help"], *([name, "--help"] for name in NAMES)])
def test_help_is_quick(args):
    """0.07 s on an idle core; the bound is wide, since a test may share its core with others."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        assert run(*args).returncode == 0
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 1.5


def test_the_list_imports_no_command():
    code = f"""
import sys
from streamrnn_cli.main import commands
commands.main(["--help"], standalone_mode=False)
print("imported:", [name for name in {NAMES!r} if f"streamrnn_cli.{{name}}" in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("imported: []\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_list_says_what_the_command_says(name):
    first = command_of(name).help.split("\n\n")[0].removesuffix(".")
    assert first.startswith(commands.texts[name].removesuffix("."))
    assert commands.texts[name] in " ".join(invoke("--help").output.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_has_a_suggestion(name):
    chosen = [p for p in command_of(name).params if isinstance(p.type, click.Choice)]
    for option in chosen:
        for word in option.type.choices:
            done = invoke(name, option.opts[0], f"{word}x")
            assert done.exit_code == 2
            assert f"Did you mean {word!r}?" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_a_suggestion(name):
    for option in command_of(name).params:
        if isinstance(option, click.Option):
            spelt = max(option.opts, key=len)
            done = invoke(name, f"{spelt}x")
            assert done.exit_code == 2
            # Once in what was typed, and once in what could have been; such as --time, others too.
            assert done.stderr.partition("o such option")[2].count(spelt) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_suggestion(name):
    done = invoke(f"{name[0]}{name}")
    assert done.exit_code == 2
    assert done.stderr.endswith(f"Did you mean {name!r}?\n")


def test_an_unknown_command_near_none():
    said = invoke("zzz").stderr
    assert all(repr(name) in said for name in NAMES)


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["--cell", "lstn"], "lstm"),
        (["--loss", "hubr"], "huber"),
        (["--head", "rsl"], "rls"),
        (["--optimizer", "adm"], "adam"),
        (["--activations", "stord"], "stored"),
        (["--dtype", "float23"], "float32"),
    ],
)
def test_plug_ins_have_suggestions(args, near):
    done = invoke("warmup", *args)
    assert done.exit_code == 2
    assert f"id you mean {near!r}?" in done.stderr


class Terminal:
    def isatty(self):
        return True


class File:
    def isatty(self):
        return False


@pytest.mark.parametrize(
    ("variables", "terminal", "file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_who_gets_colours(monkeypatch, variables, terminal, file):
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    for name in {"NO_COLOR", "FORCE_COLOR"} - set(variables):
        monkeypatch.delenv(name, raising=False)
    assert colour.coloured(Terminal()) is terminal
    assert colour.coloured(File()) is file
    assert (colour.red("Error:", Terminal()) == "Error:") is not terminal
    assert (colour.bold("Options:", File()) == "Options:") is not file


def test_errors_are_red_and_headings_bold():
    plain, forced = run("replay", "--lr", "no"), run("replay", "--lr", "no", FORCE_COLOR="1")
    assert "\x1b" not in plain.stderr
    assert f"\n{RED}\x1b[1mError:\x1b[0m Invalid value" in forced.stderr
    assert click.unstyle(forced.stderr) == plain.stderr
    plain, forced = run("replay", "--help"), run("replay", "--help", FORCE_COLOR="1")
    assert "\x1b[1mOptions:\x1b[0m" in forced.stdout
    assert click.unstyle(forced.stdout) == plain.stdout
    assert "\x1b" not in plain.stdout


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
@pytest.mark.parametrize(("variables", "red"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_has_red_errors(variables, red):
    import pty

    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    terminal, inside = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "reply"],
        stderr=inside,
        timeout=60,
        env=environment | {"TERM": "xterm"} | variables,
    )
    os.close(inside)
    said = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert done.returncode == 2
    assert "Did you mean 'replay'?" in said
    assert (RED in said) is red


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_offered(shell):
    done = run(_STREAMRNN_COMPLETE=f"{shell}_source")
    assert done.returncode == 0, done.stderr
    assert "_STREAMRNN_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("streamrnn rep", {"replay"}),
        ("streamrnn replay --hid", {"--hidden-size"}),
        ("streamrnn replay --task reg", {"regression"}),
        ("streamrnn replay --show", {"--show-config"}),
    ],
)
def test_completion(words, offered):
    last = str(len(words.split()) - 1)
    done = run(_STREAMRNN_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=last)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("args", [["--help"], ["replay", "--help"], ["replay", "--show-config"]])
def test_nobody_reads(args):
    """As with ``| head -1``, but that the reader has gone for sure: 141, as shells say SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*COMMAND, *args], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk_behind_standard_output():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "replay", "--show-config"], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 3
    assert done.stderr.startswith(b"Error: standard output: cannot be written (")
    assert done.stderr.count(b"\n") == 1
