"""``--config`` and ``--show-config``: a file says what options say, for all commands alike."""

import tomllib

import click
import pytest
from cli_helpers import invoke
from streamrnn_cli.config import configurable
from streamrnn_cli.config.matching import keys
from streamrnn_cli.config.writing import as_toml, literal
from streamrnn_cli.main import commands
from streamrnn_cli.options.lists import Several

ROOT = click.Context(commands, info_name="streamrnn")
NAMES = commands.list_commands(ROOT)

#: Values for options that do not take what `sample` gives them.
PARTICULAR: dict[str, object] = {
    "calendar": "week:2",
    "chart": "größe.png",
    "checkpoint-every": "5m",
    "max-body": "2MiB",
    "output": "größe.png",
    "report": "größe.html",
}


def command_of(name):
    return commands.get_command(ROOT, name)


def sample(key, parameter):
    """A value other than the default, as TOML has it."""
    if key in PARTICULAR:
        return PARTICULAR[key]
    kind = parameter.type
    if isinstance(kind, Several):
        return "3,5"
    if isinstance(kind, click.types.BoolParamType):
        return parameter.default is not True
    if isinstance(kind, click.types.IntParamType):
        one = 7
    elif isinstance(kind, click.types.FloatParamType):
        one = 0.25
    elif isinstance(kind, click.Choice):
        one = kind.choices[-1]
    else:
        one = "größe.csv"
    return [one, one] if parameter.multiple or parameter.nargs == -1 else one


def as_flags(parameter, value):
    """The same value as words of the command line."""
    items = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if isinstance(parameter, click.Argument):
        return items
    name = parameter.opts[0]
    if isinstance(value, bool):
        return [name if value else parameter.secondary_opts[0]]
    return [word for item in items for word in (name, item)]


def required(name, but=None):
    """Words for all that a command cannot do without, arguments first."""
    found = keys(command_of(name)).items()
    return [
        w for key, p in found if p.required and p is not but for w in as_flags(p, sample(key, p))
    ]


def settings(name, args):
    """What a command would be called with."""
    context = command_of(name).make_context(name, list(args), parent=ROOT)
    return context.params


def write(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


OPTIONS = [(name, key) for name in NAMES for key in keys(command_of(name))]


@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_a_file_says_what_an_option_says(tmp_path, name, key):
    parameter = keys(command_of(name))[key]
    value, rest = sample(key, parameter), required(name, but=parameter)
    flags = settings(name, [*rest, *as_flags(parameter, value)])
    # Or the test would hold for a file that nobody reads.
    assert parameter.required or flags != settings(name, rest)
    for spelt in (key, key.replace("-", "_")):
        for text in (f"{spelt} = {literal(value)}", f"[{name}]\n{spelt} = {literal(value)}"):
            path = write(tmp_path, text)
            assert settings(name, [*rest, "--config", path]) == flags
            assert settings(name, ["--config", path, *rest]) == flags


@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_every_key_has_a_suggestion_and_every_type_is_checked(tmp_path, name, key):
    path = write(tmp_path, f"[{name}]\n{key}x = 1")
    said = invoke(name, "--config", path)
    assert said.exit_code == 2
    assert said.stderr == f"Error: {path}, line 2: {name} has no option '{key}x'. " + (
        f"Did you mean {key!r}?\n"
    )
    path = write(tmp_path, f"\n{key} = 1979-05-27")
    said = invoke(name, "--config", path)
    assert said.exit_code == 2
    assert said.stderr.startswith(f"Error: {path}, line 2: {key} must be ")
    assert said.stderr.count("\n") == 1


def parsed_from_shown(tmp_path, name, args):
    shown = invoke(name, *args, "--show-config")
    assert shown.exit_code == 0, shown.output
    tomllib.loads(shown.stdout)
    return settings(name, ["--config", write(tmp_path, shown.stdout)])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_asks_for_the_same_run(tmp_path, name):
    args = required(name)
    assert parsed_from_shown(tmp_path, name, args) == settings(name, args)


@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_each_option_is_shown(tmp_path, name, key):
    parameter = keys(command_of(name))[key]
    args = [*required(name, parameter), *as_flags(parameter, sample(key, parameter))]
    assert parsed_from_shown(tmp_path, name, args) == settings(name, args)


@pytest.mark.parametrize("text", ['say "x"', "a\\b", "tab\tline\nend", "größe 🙂", "\x7f\x01", ""])
def test_texts_come_back(text):
    assert tomllib.loads(f"x = {literal(text)}") == {"x": text}


def test_the_table_goes_before_the_top_and_the_command_line_before_both(tmp_path):
    text = """
    seed = 1
    lags = 1
    truncation = 1
    [replay]
    lags = 2
    truncation = 2
    [warmup]
    wide = true
    """
    done = settings("replay", ["--truncation", "3", "--config", write(tmp_path, text)])
    assert (done["seed"], done["lags"], done["truncation"]) == (1, 2, 3)
    assert settings("warmup", ["--config", write(tmp_path, "[warmup]\nwide = true")])["wide"]


def test_a_key_on_top_may_be_for_another_command(tmp_path):
    path = write(tmp_path, 'wide = true\nhidden-size = 3\ncell = "gru"')
    assert settings("replay", ["--config", path])["hidden_size"] == 3
    # One text where there could be several.
    assert settings("warmup", ["--config", path])["cell"] == ("gru",)


def test_a_file_with_a_mark_in_front(tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert settings("replay", ["--config", str(path)])["seed"] == 3


def test_paths_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    (tmp_path / "s.csv").write_text("y\n1\n")
    path = write(tmp_path / "deep", 'source = "s.csv"\ntarget = "nowhere"')
    monkeypatch.chdir(tmp_path)
    assert "s.csv, column 'nowhere'" in invoke("replay", "--config", path).stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = 3\ncell = gru", ", line 2, column 8: is not TOML: Invalid value. Texts stand in"),
        ("seed = 3\nseed = 4\n", ", line 2, column 9: is not TOML: Cannot overwrite a value."),
        ('cell = "gru', ", at its end: is not TOML: "),
        ("a = " + "[" * 5000, ": is not TOML"),
        ("[reply]\nseed = 3", ", line 1: no command is called 'reply'. Did you mean 'replay'?"),
        ("[replay]\nsedd = 3", ", line 2: replay has no option 'sedd'. Did you mean 'seed'?"),
        ("[replay]\nall-cells = true", ", line 2: replay has no option 'all-cells'."),
        ("replay.sedd = 3", ", line 1: replay has no option 'sedd'. Did you mean 'seed'?"),
        ("replay = {sedd = 3}", ": replay has no option 'sedd'. Did you mean 'seed'?"),
        (
            "hiden_size = 3",
            ", line 1: replay has no option 'hiden_size'. Did you mean 'hidden-size'?",
        ),
        ("\nseed = '3'", ", line 2: seed must be a whole number."),
        ("seed = 3.5", ", line 1: seed must be a whole number."),
        ("seed = true", ", line 1: seed must be a whole number."),
        ("seed = [3]", ", line 1: seed must be a whole number."),
        ("quiet = 1", ", line 1: quiet must be true or false."),
        ("lr = true", ", line 1: lr must be a number."),
        ("lr = nan", ", line 1: lr is wrong: must be a finite number."),
        ("lr = 0", ", line 1: lr is wrong: 0.0 is not in the range x>0."),
        ("cell = 3", ", line 1: cell must be a text in quotes."),
        ("drop = [3]", ", line 1: drop must be a text in quotes, or an array of them."),
        ('task = "regresion"', "Did you mean 'regression'?"),
        ('predictions = "p.xls"', ", line 1: predictions is wrong: must end in .csv or .jsonl"),
        ("clip-norm = 1\nclip_norm = 2", ", line 2: clip_norm is given twice, also as clip-norm."),
        ("help = true", ", line 1: replay has no option 'help'."),
        ('config = "other.toml"', ", line 1: replay has no option 'config'."),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, said):
    path = write(tmp_path, text)
    done = invoke("replay", "--config", path)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {path}")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_that_cannot_be_read(tmp_path):
    path = write(tmp_path, "seed = 3")
    near = invoke("replay", "--config", path.replace("run.toml", "runn.toml"))
    assert near.exit_code == 2
    assert near.stderr.endswith("runn.toml: no such file. Did you mean 'run.toml'?\n")
    folder = invoke("replay", "--config", tmp_path)
    assert folder.exit_code == 2
    assert folder.stderr.startswith(f"Error: {tmp_path}: cannot be read (")
    (tmp_path / "run.toml").write_bytes(b"# x\ncell = '\xff'")
    binary = invoke("replay", "--config", path)
    assert binary.exit_code == 2
    assert f"{path}, line 2: byte 0xff is not UTF-8" in binary.stderr


class Pace(click.ParamType):
    """A type of our own, as options may have: ``max`` or a number."""

    name = "pace"

    def convert(self, value, param, ctx):
        return value if value == "max" else float(value)


OTHERS = [
    click.Argument(["sources"], nargs=-1),
    click.Option(["--pace"], type=Pace(), default="max"),
    click.Option(["--place", "where"], type=click.Path()),
    click.Option(["--plain/--fancy"], default=True),
    click.Option(["--verbose", "-v"], count=True),
    click.Option(["--pair"], nargs=2, type=int),
    click.Option(["--must"], required=True),
]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ('sources = ["a", "b"]', ["a", "b"]),
        ('sources = "a b"', ["a b"]),
        ("pace = 3", ["--pace", "3"]),
        ('pace = "max"', []),
        ('place = "p"', ["--place", "p"]),
        ("plain = false", ["--fancy"]),
        ("verbose = 2", ["-vv"]),
        ("pair = [1, 2]", ["--pair", "1", "2"]),
        ('must = "m"', ["--must", "m"]),
    ],
)
def test_kinds_of_options_that_no_command_has_yet(tmp_path, text, flags):
    made = click.Command("made", params=list(OTHERS), callback=lambda **options: None)
    configurable(made)
    rest = [] if "must" in text else ["--must", "x"]

    def parsed(args):
        return made.make_context("made", list(args)).params

    params = parsed([*rest, "--config", write(tmp_path, text)])
    assert params == parsed([*rest, *flags])
    with click.Context(made, info_name="made") as context:
        context.params = params
        assert parsed(["--config", write(tmp_path, as_toml(context))]) == params
