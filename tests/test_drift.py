"""What a drift detector sees, what is done on a drift, and what is counted."""

import copy
import math
import pickle

import numpy as np
import pytest
from river import base, drift

from streamrnn.estimators.drift import DriftWatch, RaiseLearningRate, watch_for
from streamrnn.estimators.errors import Distances, Mistakes

NUMBERS = [drift.ADWIN(), drift.KSWIN(seed=1), drift.PageHinkley(threshold=20)]
BINARY = [
    drift.binary.DDM(),
    drift.binary.EDDM(),
    drift.binary.FHDDM(),
    drift.binary.HDDMA(),
    drift.binary.HDDMW(),
]


class At(base.DriftDetector):
    """Reports a drift after given numbers of values, and keeps the values."""

    def __init__(self, positions):
        super().__init__()
        self.positions = positions
        self.seen = []

    def update(self, x):
        self.seen.append(x)
        self._drift_detected = len(self.seen) in self.positions


class BinaryAt(base.BinaryDriftDetector):
    """The same, of right and wrong."""

    def __init__(self, positions):
        super().__init__()
        self.positions = positions
        self.seen = []

    update = At.update


class Watched:
    """As much of an estimator as a watch needs."""

    def __init__(self):
        self._model = self
        self.rate_factor = 1.0
        self.counters = {"samples": 0}
        self.done = []

    def reset_optimizer(self):
        self.done.append("reset_optimizer")

    def reset_state(self):
        self.done.append("reset_state")

    def see(self, watch, errors):
        """Show a watch of mistakes these errors; return the rate's factor after each."""
        factors = []
        for wrong in errors:
            self.counters["samples"] += 1
            watch.saw(True, not wrong, self)
            factors.append(self.rate_factor)
        return factors


@pytest.fixture
def watched():
    return Watched()


# --- actions


def test_the_learning_rate_rises_and_comes_back_to_what_it_was(watched):
    watch = watch_for(At([5]), RaiseLearningRate(factor=3, half_life=3), True)
    factors = watched.see(watch, [True] * 20)
    assert factors[:4] == [1.0] * 4
    np.testing.assert_allclose(factors[4:9], [3 * 2 ** (-n / 3) for n in range(5)])
    assert factors[9:] == [1.0] * 11  # where 3 * 2 ** (-5 / 3) is 0.94


def test_a_further_drift_raises_it_anew(watched):
    watch = watch_for(At([5, 7]), RaiseLearningRate(factor=4, half_life=2), True)
    assert watched.see(watch, [True] * 12)[4::2] == [4.0, 4.0, 2.0, 1.0]
    assert watch.counters == {"drifts": 2, "improvements": 0}


def test_a_raise_that_is_over_leaves_the_rate_to_others(watched):
    watch = watch_for(At([1]), RaiseLearningRate(factor=2, half_life=1), True)
    watched.see(watch, [True] * 3)
    watched.rate_factor = 0.5
    assert watched.see(watch, [True] * 3) == [0.5] * 3


@pytest.mark.parametrize("action", ["reset_optimizer", "reset_state"])
def test_resets_are_made_once_a_drift(action, watched):
    watch = watch_for(At([4, 9]), action, True)
    watched.see(watch, [True] * 8)
    assert watched.done == [action]
    watched.see(watch, [True] * 8)
    assert watched.done == [action] * 2
    assert watched.rate_factor == 1.0


def test_a_function_is_called_with_the_estimator(watched):
    called = []
    watch = watch_for(At([4]), called.append, True)
    watched.see(watch, [True] * 8)
    assert called == [watched]


def test_what_a_function_raises_is_not_swallowed(watched):
    def fail(estimator):
        raise RuntimeError("no room")

    watch = watch_for(At([2]), fail, True)
    with pytest.raises(RuntimeError, match="no room"):
        watched.see(watch, [True] * 3)
    assert watch.counters["drifts"] == 1


# --- counts


def test_the_last_drift_is_told_by_the_number_of_its_sample(watched):
    watch = watch_for(At([4, 6]), "reset_state", True)
    assert watch.last_drift is None
    watched.counters["samples"] = 100
    watched.see(watch, [True] * 9)
    assert watch.last_drift == 106


@pytest.mark.parametrize("detector", NUMBERS + BINARY, ids=lambda d: type(d).__name__)
def test_any_detector_of_river_sees_errors_grow_and_is_not_heeded_as_they_fall(detector, watched):
    rng = np.random.default_rng(3)
    rates = np.repeat([0.6, 0.05, 0.6], 500)  # many detectors are silent on the first change
    wrong = (rng.random(1500) < rates).tolist()
    watch = watch_for(detector, "reset_state", True)
    watched.see(watch, wrong[:1000])
    assert watch.last_drift is None or watch.last_drift < 500
    before = watch.drifts
    watched.see(watch, wrong[1000:])
    assert watch.drifts > before
    assert watch.last_drift > 1000
    assert len(watched.done) == watch.drifts


def test_improvements_are_counted_and_not_acted_on(watched):
    watch = watch_for(drift.ADWIN(), "reset_state", True)
    watched.see(watch, [True] * 300 + [False] * 300)
    assert watch.counters == {"drifts": 0, "improvements": 1}
    assert watched.done == []


# --- what the detector is fed


def test_detectors_of_right_and_wrong_get_booleans(watched):
    watch = watch_for(BinaryAt([]), "raise_lr", True)
    watched.see(watch, [True, False])
    assert watch._detector.seen == [True, False]
    assert {type(value) for value in watch._detector.seen} == {bool}


@pytest.mark.parametrize(("y", "y_pred"), [(None, 1), (math.nan, 1), (1, None)])
def test_unknown_labels_and_predictions_are_not_fed(y, y_pred, watched):
    watch = watch_for(At([]), "raise_lr", True)
    watch.saw(y, y_pred, watched)
    assert watch._detector.seen == []


def test_of_several_labels_the_share_that_is_wrong():
    assert Mistakes()([1.0, 0.0, math.nan], [1.0, 1.0, 0.0]) == 0.5
    assert math.isnan(Mistakes()([math.nan], [1.0]))


def _distances(y, y_pred):
    distances = Distances()
    return np.array([distances(*pair) for pair in zip(y.tolist(), y_pred.tolist(), strict=True)])


def test_distances_are_in_standard_deviations_of_the_target(rng):
    y, y_pred = rng.normal(5, 2, 30), rng.normal(5, 2, 30)
    got = _distances(y, y_pred)
    assert math.isnan(got[0])  # one target has no spread
    spread = [y[: n + 1].std() for n in range(1, 30)]
    np.testing.assert_allclose(got[1:], np.minimum(abs(y - y_pred)[1:] / spread, 3), rtol=1e-9)


def test_distances_do_not_depend_on_units(rng):
    y, y_pred = rng.normal(0, 1, 50), rng.normal(0, 1, 50)
    other = _distances(1e6 * y + 3e7, 1e6 * y_pred + 3e7)
    np.testing.assert_allclose(other[1:], _distances(y, y_pred)[1:], rtol=1e-6)


@pytest.mark.parametrize("bad", [None, math.nan, math.inf, 1e300])
def test_unusable_targets_leave_distances_as_they_were(bad):
    one, other = Distances(), Distances()
    for y in (1.0, 2.0, 4.0):
        one(y, 0.0)
        other(y, 0.0)
    assert math.isnan(one(bad, 0.0))
    assert one(3.0, 2.5) == other(3.0, 2.5)


@pytest.mark.parametrize("y_pred", [None, math.nan, math.inf])
def test_unusable_predictions_are_not_fed(y_pred, watched):
    watch = watch_for(At([]), "raise_lr", False)
    for y in (1.0, 2.0, 4.0):
        watch.saw(y, y_pred, watched)
    assert watch._detector.seen == []
    watch.saw(3.0, 2.5, watched)
    assert watch._detector.seen == [pytest.approx(0.5 / np.std([1, 2, 4, 3]))]


def test_of_several_targets_the_mean_of_those_known():
    distances = Distances()
    for a, b in ((0.0, 0.0), (2.0, 20.0)):
        got = distances([a, b, math.nan], [1.0, 0.0, 7.0])
    assert got == (1.0 / 1.0 + 20.0 / 10.0) / 2


# --- arguments, copies


@pytest.mark.parametrize(
    "detector",
    [drift.ADWIN(), drift.DummyDriftDetector(t_0=20, seed=1, dynamic_cloning=True)],
    ids=lambda detector: type(detector).__name__,
)
def test_the_detector_that_was_given_stays_as_it_is(detector, watched):
    before = pickle.dumps(detector)
    watched.see(watch_for(detector, "raise_lr", True), [False] * 100 + [True] * 100)
    assert pickle.dumps(detector) == before


@pytest.mark.parametrize("detector", NUMBERS + BINARY, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("copied", ["deepcopy", "pickle", "state"])
def test_copies_go_on_as_the_original_would(detector, copied, watched):
    rng = np.random.default_rng(3)
    wrong = (rng.random(1200) < np.repeat([0.05, 0.6, 0.95], 400)).tolist()
    action = RaiseLearningRate(factor=8, half_life=100)
    watch = watch_for(detector, action, True)
    watched.see(watch, wrong[:500])
    other = watch_for(detector, action, True)
    if copied == "state":
        other.restore(watch.state())
    else:
        other = copy.deepcopy(watch) if copied == "deepcopy" else pickle.loads(pickle.dumps(watch))
    twin = copy.deepcopy(watched)
    assert watched.rate_factor > 1.0  # the copy is made while the rate is raised
    assert watched.see(watch, wrong[500:]) == twin.see(other, wrong[500:])
    assert (watch.counters, watch.last_drift) == (other.counters, other.last_drift)


def test_the_targets_spread_is_part_of_the_state(watched):
    one, other = (watch_for(At([]), "raise_lr", False) for _ in range(2))
    for y in (1.0, 2.0, 4.0):
        one.saw(y, 0.0, watched)
    other.restore(one.state())
    one.saw(3.0, 2.5, watched)
    other.saw(3.0, 2.5, watched)
    assert other._detector.seen == one._detector.seen
    assert len(one._detector.seen) == 3


def test_state_is_no_view(watched):
    watch = watch_for(drift.ADWIN(), "raise_lr", True)
    watched.see(watch, [False] * 50)
    state = watch.state()
    before = pickle.dumps(state)
    watched.see(watch, [False] * 50)
    assert pickle.dumps(state) == before


def test_a_state_of_something_else_is_refused():
    watch = watch_for(drift.ADWIN(), "raise_lr", True)
    with pytest.raises(ValueError, match="a drift watch has"):
        watch.restore({"drifts": 3})
    with pytest.raises(ValueError, match="the detector is a ADWIN, got KSWIN"):
        watch.restore({**watch.state(), "detector": drift.KSWIN()})
    assert watch.drifts == 0


def test_no_detector_no_watch():
    assert watch_for(None, "raise_lr", True) is None


@pytest.mark.parametrize("detector", [None, drift.ADWIN()])
def test_unknown_actions_are_refused(detector):
    with pytest.raises(ValueError, match=r"drift_action='raise_rl'.*did you mean 'raise_lr'"):
        watch_for(detector, "raise_rl", True)
    with pytest.raises(TypeError, match="drift_action must be one of raise_lr, reset_optimizer"):
        watch_for(detector, 3, True)
    with pytest.raises(TypeError, match="drift_action is the class RaiseLearningRate"):
        watch_for(detector, RaiseLearningRate, True)


def test_what_is_no_detector_is_refused():
    with pytest.raises(TypeError, match="drift_detector is the class ADWIN: give an object"):
        watch_for(drift.ADWIN, "raise_lr", True)
    with pytest.raises(TypeError, match=r"drift_detector must be a drift detector.*'adwin'"):
        watch_for("adwin", "raise_lr", True)


def test_a_regression_has_no_right_and_wrong():
    with pytest.raises(ValueError, match="drift_detector=DDM tells right from wrong"):
        watch_for(drift.binary.DDM(), "raise_lr", False)
    with pytest.raises(ValueError, match="drift_detector=DDM"):
        DriftWatch(drift.binary.DDM(), "raise_lr", Distances())


@pytest.mark.parametrize(
    ("name", "value"), [("factor", 0.5), ("factor", math.inf), ("half_life", 0), ("half_life", -1)]
)
def test_the_actions_parameters_are_checked(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*{value}"):
        RaiseLearningRate(**{name: value})
