"""Starts commands in milliseconds: a process that has imported everything, and forks.

One request a line, one answer a line, both JSON: see `crash_helpers.Forks`, which is the other end.
"""

import json
import os
import resource
import signal
import sys
import time
import traceback


def warm():
    """Import what a run imports, and have its code loaded."""
    run(["replay", "--quiet", "--limit", "3", "--hidden-size", "4"])
    run(["replay", "river:Phishing", "--quiet", "--limit", "3", "--hidden-size", "4"])


def run(args):
    """Run the command; return its exit code."""
    from streamrnn_cli.main import main

    sys.argv = ["streamrnn", *args]
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def child(request):
    """Be the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name, flags in (
        (0, request["stdin"], os.O_RDONLY),
        (1, request["stdout"], os.O_WRONLY | os.O_CREAT),
        (2, request["stderr"], os.O_WRONLY | os.O_CREAT),
    ):
        handle = os.open(name, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    if request["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"],) * 2)
    code = run(request["args"])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def wait(pid, seconds):
    """Return how a child ended, None if it has not within that time."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.002)


def serve():
    """Answer requests until there are no more."""
    with os.fdopen(os.dup(0)) as requests, os.fdopen(os.dup(1), "w") as answers:
        serve_pipes(requests, answers)


def serve_pipes(requests, answers):
    """Answer requests from one pipe on another."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    warm()
    running = set()
    print("ready", file=answers, flush=True)
    for line in requests:
        request = json.loads(line)
        if "wait" in request:
            code = wait(request["wait"], request["seconds"])
            running -= {request["wait"]} if code is not None else set()
            print(json.dumps(code), file=answers, flush=True)
            continue
        pid = os.fork()
        if not pid:
            child(request)
        running.add(pid)
        print(pid, file=answers, flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    # Ctrl-C is for those who run the tests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve()
