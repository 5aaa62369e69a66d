"""A run that reads a topic, killed and gone on with: no message is lost, none is learnt twice."""

import json
import os
import random
import signal
import time

import pytest
from crash_helpers import SMALL, cases, unbroken
from live_helpers import DEADLINE, kafka_cluster

kafka = pytest.importorskip("confluent_kafka")

KILLS = 4


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_at_random_moments(tmp_path, forks):
    """Messages come all the while; each leg is broken off once a few more have been learnt."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    case = cases(300)["changing columns"]
    expected = unbroken(case, tmp_path)[0]["p.csv"]
    lines = case.text.splitlines()
    out = tmp_path / "out"
    out.mkdir()
    predictions = out / "p.csv"
    with kafka_cluster() as cluster:
        producer = kafka.Producer({"bootstrap.servers": cluster, "log_level": 0})
        args = ["live", f"kafka://{cluster}/events", *SMALL, *case.args, "--predictions"]
        args += [predictions, "--checkpoint", out / "run", "--checkpoint-every", 7, "--resume"]
        args += ["--task", "regression"]
        sent = 0
        for leg in range(KILLS + 1):
            end = len(lines) * (leg + 1) // (KILLS + 1)
            for line in lines[sent:end]:
                producer.produce("events", line, partition=0)
            sent = end
            assert producer.flush(DEADLINE) == 0
            child = forks.start(args)
            wanted = 1 + (end if leg == KILLS else rng.randrange(end - 40, end))
            until_lines(predictions, wanted, child)
            child.send(signal.SIGTERM if leg == KILLS else signal.SIGKILL)
            assert child.wait() == (143 if leg == KILLS else -signal.SIGKILL), child.stderr
    assert predictions.read_bytes() == expected
    assert f"{len(lines)} rows, " in child.stdout
    with open(out / "run", "rb") as file:
        assert b'"position": ' + json.dumps({"0": len(lines)}).encode()[:-1] in file.read()


def until_lines(path, count, child):
    """Wait until a file has so many lines."""
    deadline = time.monotonic() + DEADLINE
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, child.stderr
        assert child.wait(0) is None, child.stderr
        time.sleep(0.005)
