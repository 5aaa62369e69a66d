"""What must hold of every estimator: asking changes nothing, copies and files go on bit for bit."""

import copy
import json
import os
import pickle
import subprocess
import sys

import pytest
from family import DEFAULTS, FAMILY, answers

import streamrnn

MEMBERS = {**FAMILY, **DEFAULTS}
ALL = pytest.mark.parametrize("name", MEMBERS)


@ALL
def test_asking_changes_nothing(name):
    member = MEMBERS[name]
    asked, silent = member.make(), member.make()
    for i in range(25):
        before = pickle.dumps(asked)
        first = member.ask(asked, i)
        assert member.ask(asked, i) == first
        assert pickle.dumps(asked) == before
        for model in (asked, silent):
            member.learn(model, i)
    assert pickle.dumps(asked) == pickle.dumps(silent)
    assert asked.to_bytes() == silent.to_bytes()


@ALL
def test_the_same_seed_gives_the_same_bits_and_another_others(name):
    member = MEMBERS[name]
    one, same = member.make(), member.make()
    assert answers(member, one, 0, 25) == answers(member, same, 0, 25)
    inner = {"model": one.model.clone({"seed": 5})} if "keyed" in name else {"seed": 5}
    other = one.clone(inner)
    assert answers(member, other, 0, 25) != answers(member, member.make(), 0, 25)


def _through_a_file(model):
    return streamrnn.from_bytes(model.to_bytes())


@ALL
@pytest.mark.parametrize(
    "copied",
    [_through_a_file, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["file", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("at", [0, 3, 20])
def test_copies_go_on_bit_for_bit(name, copied, at):
    member = MEMBERS[name]
    model = member.make()
    answers(member, model, 0, at)
    other = copied(model)
    assert type(other) is type(model)
    assert answers(member, other, at, 40) == answers(member, model, at, 40)
    assert other.to_bytes() == model.to_bytes()


@ALL
def test_a_new_copy_has_learnt_nothing(name):
    member = MEMBERS[name]
    model = member.make()
    fresh = pickle.dumps(model)
    answers(member, model, 0, 25)
    assert pickle.dumps(model.clone()) == fresh


_CHILD = """
import json, sys
import streamrnn
from family import DEFAULTS, FAMILY, answers
for name, path in json.load(sys.stdin):
    member = (FAMILY | DEFAULTS)[name]
    print(json.dumps([name, repr(answers(member, streamrnn.load(path), 20, 40))]))
"""


def test_files_go_on_bit_for_bit_in_another_process(tmp_path):
    expected, paths = {}, []
    for name, member in MEMBERS.items():
        model = member.make()
        answers(member, model, 0, 20)
        paths.append((name, str(tmp_path / name.replace(" ", "_"))))
        model.save(paths[-1][1])
        expected[name] = repr(answers(member, model, 20, 40))
    folders = [os.path.dirname(__file__), *sys.path]
    child = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=json.dumps(paths),
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(map(json.loads, child.stdout.splitlines())) == expected


@ALL
def test_the_repr_and_the_arguments_are_the_users(name):
    model = MEMBERS[name].make()
    assert type(model).__name__ in repr(model)
    inner = model.model if "keyed" in name else model
    assert inner.hidden_size == 6
    assert inner.clone({"hidden_size": 3}).hidden_size == 3
