"""The command as a process of its own: what it imports, how it is stopped, what it leaves."""

import os
import signal
import subprocess
import sys
import time

import pytest
from cli_helpers import COMMAND, write


def run(*args, **options):
    return subprocess.run(
        [*COMMAND, *map(str, args)], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize(
    "args",
    [
        ["--version"],
        ["--help"],
        ["replay", "--help"],
        ["warmup", "--help"],
        ["inspect", "--help"],
        ["replay", "--lr", "no"],
        ["replay", "--show-config"],
        [],
    ],
)
def test_words_alone_import_nothing_heavy(args):
    code = f"""
import sys
from streamrnn_cli.main import main
sys.argv = ["streamrnn", *{args!r}]
try:
    main()
finally:
    print("heavy:", sorted({{"numpy", "river", "numba", "streamrnn", "pandas"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("heavy: []\n")
    assert "Traceback" not in done.stderr


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.split()[0] == "streamrnn"
    assert done.stdout.count("\n") == 1


def test_a_mistyped_command_and_option():
    assert run("reply").returncode == 2
    mistyped = run("replay", "--hiden-size", "3")
    assert mistyped.returncode == 2
    assert "--hidden-size" in mistyped.stderr


def test_bad_data_gives_no_traceback(tmp_path):
    path = write(tmp_path / "s.csv", "a,y\nx,1\n")
    done = run("replay", path, "--target", "y")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(f"Error: {path}, line 2, column 'a': 'x' is")
    assert "Traceback" not in done.stderr


def test_an_encoding_without_the_letters(tmp_path):
    path = write(tmp_path / "s.csv", "größe\nklein\ngroß\n")
    args = [*COMMAND, "replay", path, "--target", "größe", "--predictions", "-"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(args, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0
    assert "2,groß,klein".encode() in done.stdout


def test_a_closed_pipe_is_quiet(tmp_path):
    path = write(tmp_path / "s.csv", "y\n" + "1\n" * 20_000)
    process = subprocess.Popen(
        [*COMMAND, "replay", str(path), "--target", "y", "--predictions", "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"row,target,prediction\n"
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, b"Interrupted: no output file was changed.\n"),
        (signal.SIGTERM, 143, b""),
    ],
)
def test_stopped_half_way(tmp_path, number, code, said):
    """The rows come through a pipe that stays open, so that the run is surely in the middle."""
    predictions = write(tmp_path / "p.csv", "old")
    args = ["replay", "-", "--target", "y", "--task", "regression", "--predictions", predictions]
    process = subprocess.Popen(
        [*COMMAND, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests run in the background, a shell has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    with process:
        process.stdin.write(b"y\n" + b"1\n" * 3000)
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not any(p.suffix == ".tmp" and p.stat().st_size for p in tmp_path.iterdir()):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.stderr.read() == said
        assert process.stdout.read() == b""
        assert process.wait(timeout=60) == code
    assert predictions.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_progress_only_for_a_terminal(tmp_path):
    import pty

    path = write(tmp_path / "s.csv", "y\n" + "1\n" * 8_000)
    args = [*COMMAND, "replay", str(path), "--target", "y", "--task", "regression"]
    terminal, inside = pty.openpty()
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=inside) as process:
        os.close(inside)
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not piece:
                break
            shown += piece
        table = process.stdout.read()
    os.close(terminal)
    assert b" rows/s, MAE " in shown
    # In the end the line is empty.
    assert shown.rsplit(b"\r", 2)[1].strip() == b""
    assert b"\r" not in table
