"""The scripts behind the figures in the docs, at tiny sizes; and docs that say what was found."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anomaly
import anomaly_streams
import drift
import drift_streams
import loading
import numpy as np
import optimizer_streams
import optimizers
import pytest
import ranking
import reading
import report
import scaling
import scaling_streams
from sklearn.metrics import average_precision_score, roc_auc_score
from streamrnn_cli.batches import gathered
from streamrnn_cli.sources import open_source

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def no_data(monkeypatch):
    monkeypatch.delenv("STREAMRNN_DATA", raising=False)


# --- loading


@pytest.fixture(scope="module")
def loaded():
    sizes = {"models": 6, "keys": 3, "units": 4, "truncation": 4, "samples": 12}
    return loading.run(sizes)


def test_loading_measures_everything(loaded):
    times = loaded["ms_a_model"]
    assert {"to_bytes", "from_bytes", "save", "load, just written", "load, read before"} < set(
        times
    )
    assert all(0 < ms < 1000 for ms in times.values())
    assert {"pickle.dumps", "pickle.loads"} < set(times)
    keyed = loaded["keyed"]
    assert all(0 < seconds < 10 for seconds in keyed["seconds"].values())


def test_loading_counts_bytes(loaded):
    model = loading._trained(loaded["options"])
    assert loaded["bytes_a_model"]["file"] == len(model.to_bytes())
    assert loaded["keyed"]["bytes"] > 3 * model._model.arena.nbytes


def test_loading_prints_what_it_found(loaded):
    ms = loaded["ms_a_model"]["save"]
    row = next(line for line in loading.table(loaded).splitlines() if line.startswith("save"))
    assert row.split() == ["save", f"{ms:.3f}", f"{ms * 6 / 1e3:.1f}"]


# --- drift


@pytest.mark.parametrize("name", drift_streams.SYNTHETIC)
def test_drift_streams_are_as_long_as_asked_and_differ_by_seed(name):
    stream = drift_streams.SYNTHETIC[name]
    X, y = stream.make(3, 300)
    again, _ = stream.make(3, 300)
    other_X, other_y = stream.make(4, 300)
    assert len(X) == len(y) == 300
    assert X.ndim == 2
    assert np.array_equal(X, again)
    assert not (np.array_equal(X, other_X) and np.array_equal(y, other_y))
    assert (len(set(y.tolist())) == 2) == stream.is_classification


def test_the_stream_of_lags_answers_to_the_last_three_inputs():
    X, y = drift_streams.lags(0, 300)
    third = [(0.8, 0.0, -0.5, 0.3), (-0.5, 0.8, 0.3, 0.0), (0.2, -0.8, 0.6, 0.5)]
    noise = []
    for t in range(2, 300):
        a, b, c, d = third[t // 100]
        expected = a * X[t, 0] + b * X[t - 1, 0] + c * X[t - 1, 1] + d * np.tanh(2 * X[t - 2, 0])
        noise.append(y[t] - expected)
    assert 0.08 < np.std(noise) < 0.12


def test_the_labels_of_memory_are_wrong_in_one_of_twenty():
    X, y = drift_streams.memory(0, 3000)
    wrong = 0
    for t in range(2, 3000):
        now, last, before = [(1, 0, -0.7), (-1, 0.7, 0), (0, -1, 0.7)][t // 1000]
        value = now * X[t, 0] + last * X[t - 1, 0] + before * X[t - 2, 1]
        wrong += y[t] != (value > 0)
    assert 0.035 < wrong / 2998 < 0.065


def test_the_season_shows_the_value_before_and_changes_its_level():
    X, y = drift_streams.season(0, 900)
    assert (X[1:, 0] == y[:-1]).all()
    assert np.allclose([part.mean() for part in np.split(y, 3)], [0, 3, -1], atol=0.15)


@pytest.fixture(scope="module")
def acted():
    return drift.compare_actions("lags", 0, 1800)


def test_without_an_action_the_detector_changes_nothing(acted):
    stream = drift_streams.SYNTHETIC["lags"]
    X, y = stream.make(0, 1800)
    plain = np.abs(y - drift.fresh(stream, 0).replay(X, y)).mean()
    assert acted["none"]["error"] == plain
    assert acted["none"]["drifts"] > 0


@pytest.mark.parametrize("what", ["raise_lr", "reset_optimizer", "reset_state", "new weights"])
def test_actions_act(acted, what):
    assert acted[what]["ratio"] == acted[what]["error"] / acted["none"]["error"] != 1


def test_acting_on_every_change_acts_more_often(acted):
    all_changes = acted["raise_lr as errors fall, too"]
    assert all_changes["improvements"] == 0
    assert all_changes["drifts"] > acted["raise_lr"]["drifts"]


def test_new_weights_are_those_of_another_seed():
    stream = drift_streams.SYNTHETIC["sea"]
    X, y = stream.make(0, 600)
    model, drawn = drift.fresh(stream, 0), drift.fresh(stream, 1000)
    model.replay(X, y)
    drift.actions(stream, 0, X, y)["new weights"](model)
    drawn.replay(X[:50], [None] * 50)  # nothing to learn from
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"):
        assert np.array_equal(model.get_weights()[name], drawn.get_weights()[name])
    assert not model._model.parts.slots.any()
    assert model.counters["samples"] == 600  # counts and scaling are kept


def test_errors_in_units_raise_alarms():
    found = drift.false_and_found("lags", 0, 3600)
    in_units = found["PageHinkley, targets times 1000"]
    assert in_units["changes"] > 50 > found["PageHinkley, standard deviations"]["changes"]
    assert found["ADWIN, standard deviations"]["found"] == 2


def test_medians_and_extremes():
    def one(ratio, drifts):
        figures = {"error": 2 * ratio, "ratio": ratio, "drifts": drifts, "improvements": 0}
        return {"none": figures | {"ratio": 1.0}, "act": figures}

    medians = drift._medians([one(1.1, 1), one(0.9, 2), one(1.7, 3)])
    assert medians["act"] == {
        "error": 2.2,
        "change_percent": 10.0,
        "drifts": [1, 2, 3],
        "improvements": [0, 0, 0],
    }
    better = drift._medians([one(0.6, 0)])
    assert drift._over_streams({"a": medians, "b": better}) == {
        "act": {"best": -40.0, "worst": 10.0, "mean": -15.0}
    }


def test_the_report_on_drift(pool, no_data):
    report = drift.run({"seeds": 1, "samples": 300}, ["season", "sea"], pool)
    assert list(report["streams"]) == ["season", "sea"]
    assert list(report["shown"]) == ["season", "all"]
    assert "raise_lr" in drift.table(report)


@pytest.mark.parametrize("script", [drift, anomaly, scaling])
def test_unknown_streams_are_named(script, pool, no_data):
    with pytest.raises(ValueError, match=r"no stream is called nile; there are \w+"):
        script.run({"seeds": 1, "samples": 9, "nab": 9}, ["nile"], pool)


# --- anomaly


@pytest.mark.parametrize("ties", [False, True])
def test_ranking_is_that_of_scikit_learn(ties):
    rng = np.random.default_rng(0)
    labels = (rng.random(500) < 0.1).astype(int)
    scores = rng.normal(size=500) + labels
    if ties:
        scores = scores.round()
    assert ranking.roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert ranking.pr_auc(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_windows_are_held_against_stretches_as_long():
    labels, scores = np.zeros(100, int), np.zeros(100)
    labels[[*range(30, 40), *range(70, 80)]] = 1
    scores[35] = scores[72] = 1.0  # one sample of a window is enough
    assert ranking.windows_auc(labels, scores) == 1.0
    scores[50] = 2.0  # of the six stretches one is above both, the others below
    assert ranking.windows_auc(labels, scores) == pytest.approx(5 / 6)


@pytest.mark.parametrize("name", anomaly_streams.STREAMS)
def test_anomalies_are_few_and_come_after_the_beginning(name):
    labels = np.array([label for _, label in anomaly_streams.samples_of(name, 1200)])
    assert len(labels) == 1200
    assert 0 < labels.mean() <= 0.15
    assert len({len(x) for x, _ in anomaly_streams.samples_of(name, 50)}) == 1


def test_values_wrong_only_at_their_time_are_anomalies_too():
    river, more = anomaly_streams.sine_context(2000), anomaly_streams.context(2000)
    assert [x for x, _ in river] == [x for x, _ in more]
    by_river, by_us = (np.array([label for _, label in one]) for one in (river, more))
    assert by_us[by_river == 1].mean() > 0.95
    assert 30 < by_us[by_river == 0].sum() <= 100  # what was put there, unless it fits by chance


def test_scores_are_those_of_the_errors():
    scores, errors = anomaly.by_network(anomaly_streams.phase(300))
    assert errors.shape == (300, 4)
    X = np.array([list(x.values()) for x, _ in anomaly_streams.phase(300)])
    assert anomaly.rarities(X, errors)[2:] == pytest.approx(scores[2:], abs=1e-6)


def test_standard_scores():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(3, 2, 600), rng.normal(size=600), np.ones(600)])
    t = 500
    before = X[:t]
    off = np.abs(X[t] - before.mean(0))[:2] / before.std(0)[:2]
    assert anomaly.by_standard_score(X)[t] == pytest.approx(off.max(), rel=1e-6)


def test_averages_are_of_the_last_scores():
    scores = np.arange(20.0)
    assert anomaly._averaged(scores, 10)[15] == scores[6:16].mean()


def test_the_network_sees_a_wrong_phase_where_trees_do_not():
    found = anomaly.measure("phase", 2500).figures
    ours = found.pop("RNNAnomalyDetector")
    assert ours["roc_auc"] > 0.75 > found["HalfSpaceTrees"]["roc_auc"]
    assert ours["pr_auc"] > 3 * found["standard scores"]["pr_auc"]


def test_the_report_on_anomalies(pool, no_data):
    report = anomaly.run({"samples": 800, "nab": 0}, ["water"], pool)
    assert report["means"]["samples"] == report["streams"]["water"]
    assert report["early"] == {}  # which is about NAB's streams
    assert report["early"] == {}  # which is about NAB's streams
    assert report["early"] == {}  # which is about NAB's streams
    assert report["early"] == {}  # which is about NAB's streams
    assert report["early"] == {}  # which is about NAB's streams
    assert "HalfSpaceTrees" in anomaly.table(report)


def test_the_report_on_early_detection_is_over_all_streams():
    labels = np.zeros(1000, int)
    labels[400:500] = 1
    perfect, silent = (np.arange(1000) == 400).astype(float), np.zeros(1000)
    found = [
        anomaly.Measured({}, labels, {"one": perfect, "other": perfect}),
        anomaly.Measured({}, labels, {"one": perfect, "other": silent}),
    ]
    assert anomaly._early(found) == {
        "one": {"nab": 100.0, "found": 1.0, "delay": 0.0},
        "other": {"nab": 50.0, "found": 0.5, "delay": 0.5},
    }


# --- scaling


def test_bad_readings_are_few_and_far_off():
    X, y = scaling_streams.season(0, 4000)
    bad_X, bad_y, good = scaling_streams.with_bad_readings(X, y, 0)
    assert 0.002 < 1 - good.mean() < 0.01
    assert np.array_equal(bad_y[good], y[good])
    np.testing.assert_allclose(np.abs(bad_y - y)[~good], 100 * y.std())
    assert 0.002 < (bad_X != X).mean() < 0.01
    labels = y > 0
    assert scaling_streams.with_bad_readings(X, labels, 0)[1] is labels


def test_a_feature_tells_the_peaks():
    X, y = scaling_streams.peaks(0, 4000, 5.0)
    assert np.array_equal(X[:-1, 0] == 1, y[1:] > 2.5)
    assert 0.03 < X.mean() < 0.07


def test_a_level_is_followed_after_as_many_samples_as_a_memory_says():
    after = scaling.followed_after(100.0, None, 500, 0)
    assert after == pytest.approx(501 * math.log(10), rel=0.01)
    assert scaling.followed_after(100.0, None, None, 0) is None
    assert scaling.followed_after(100.0, 3.0, None, 0) < 300


def test_scaling_compares_errors_with_those_of_neither():
    found = scaling.compare("water", 0, 300)["huber"]
    stream = scaling_streams.streams()["water"]
    X, y = stream.make(0, 300)
    wrong = scaling.errors(stream, "huber", 0, X, y)
    assert found["neither"]["error"] == wrong.mean()
    twice = {"error": 2.0, "rms": 3.0, "bad": 4.0}
    seeds = [{"huber": {"neither": {**twice, "bad": 6.0}, "clip 5": {**twice, "error": 3.0}}}]
    medians = scaling._medians(seeds)["huber"]
    assert medians["neither"] == {"error": 0.0, "rms": 0.0, "bad": 200.0}
    assert medians["clip 5"] == {"error": 50.0, "rms": 0.0, "bad": 100.0}
    assert medians["error"] == 2.0


def test_the_report_on_scaling(pool, no_data, monkeypatch):
    monkeypatch.setattr(scaling, "AFTER", 100)
    report = scaling.run({"seeds": 1, "samples": 200}, ["polls"], pool)
    assert report["choices"]["squared"]["neither"]["rms"] == [0.0, 0.0, 0.0]
    assert report["following"]["10"]["memory 2000"] is None
    assert "clip 3, memory 500" in scaling.table(report)


# --- optimizers


@pytest.mark.parametrize("name", optimizer_streams.OPEN)
def test_optimizer_streams_are_as_long_as_asked(name):
    X, y = optimizer_streams.OPEN[name].make(1, 300)
    assert len(X) == len(y) == 300
    assert np.isfinite(X).all()
    assert np.isfinite(y).all()


def test_the_next_value_of_henon_needs_the_one_before():
    X, y = optimizer_streams.henon(0, 200)
    assert np.array_equal(X[1:, 0], y[:-1])
    assert np.allclose(y[1:], 1 - 1.4 * X[1:, 0] ** 2 + 0.3 * X[:-1, 0])


def test_mackey_glass_is_asked_ten_steps_ahead():
    X, y = optimizer_streams.mackey_glass(0, 200)
    assert np.array_equal(X[10:, 0], y[:-10])
    late = X[:-18, 0]
    assert np.allclose(X[18:, 0], 0.9 * X[17:-1, 0] + 0.2 * late / (1 + late**10))


def test_one_slow_bit_flips_at_a_time():
    X, _ = optimizer_streams.flips(0, 1000)
    changed = np.flatnonzero((X[1:, :15] != X[:-1, :15]).sum(axis=1)) + 1
    assert set(changed) <= {200, 400, 600, 800}
    assert ((X[1:, :15] != X[:-1, :15]).sum(axis=1) <= 1).all()


def test_the_report_on_optimizers(pool, no_data, monkeypatch):
    few = {name: optimizers.CHOICES[name] for name in (optimizers.DEFAULT, "no clipping")}
    monkeypatch.setattr(optimizers, "CHOICES", few)
    report = optimizers.run({"seeds": 2, "samples": 200}, ["henon"], pool)
    X, y = optimizer_streams.henon(0, 200)
    errors = optimizers.compare("henon", 0, 200)
    model = optimizers.RNNRegressor(**optimizers.SMALL, **optimizers.NUMBERS, seed=0)
    assert errors[optimizers.DEFAULT] == np.abs(y - model.replay(X, y)).mean()
    found = report["streams"]["henon"]["no clipping"]
    assert report["mean_change_percent"] == {"default": 0.0, "no clipping": found["change_percent"]}
    assert "no clipping" in optimizers.table(report)


# --- real streams, where there are any

has_data = pytest.mark.skipif(
    report.data_folder() is None, reason="STREAMRNN_DATA does not point to a folder of real streams"
)


@has_data
def test_windows_of_real_streams():
    assert list(drift_streams.streams()) == [*drift_streams.SYNTHETIC, *drift_streams.REAL]
    X, y = drift_streams.etth1(1, 200)
    assert X.shape == (200, 7)
    assert np.array_equal(X[1:, -1], y[:-1])  # the oil temperature, of which the next is asked
    assert np.array_equal(X[0], drift_streams.etth1(0, 501)[0][-1])
    X, y = drift_streams.elec2(1, 200)
    assert X.shape == (200, 8)
    assert set(y.tolist()) == {True, False}


@has_data
def test_streams_of_nab_are_labelled_by_windows():
    for name in anomaly_streams.nab_names():
        labels = [label for _, label in anomaly_streams.samples_of(name, 10**6)]
        assert 0.05 < np.mean(labels) < 0.15, name


# --- the docs say what the results files say


def results(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def rows(document):
    """Return the cells of each row of a document's tables by the first cell."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    )
    return {first: rest for first, *rest in cells}


def whole(percent):
    return f"{round(percent):+d}" if round(percent) else "0"


@pytest.mark.parametrize(
    "name", ["loading", "drift", "anomaly", "scaling", "optimizers", "reading"]
)
def test_results_are_of_the_defaults_and_hold_no_paths(name):
    report = results(name)
    scripts = {"loading": loading, "drift": drift, "anomaly": anomaly, "scaling": scaling}
    scripts |= {"optimizers": optimizers, "reading": reading}
    script = scripts[name]
    assert report["options"] == script.OPTIONS
    assert {"cpu", "cores", "os"} == set(report["machine"])
    assert "/" not in json.dumps(report)


def test_commands_says_what_reading_costs():
    report, said = results("reading"), rows("commands.md")
    assert report["options"] == reading.OPTIONS
    assert list(report["runs"]) == list(reading.RUNS)
    for name, found in report["runs"].items():
        beside = found["us_all"] - found["us_network"]
        assert said[name] == [f"{beside:.1f}", f"{found['times_the_network']:.2f}"], name
    times = report["runs"]["CSV"]["times_the_network"]
    assert times <= 1.5
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"a CSV file take {times:.2f} times as long as the network alone" in readme


def test_persistence_says_what_loading_takes():
    report, said = results("loading"), rows("persistence.md")
    documented = {
        "`load`, files just written": "load, just written",
        "`load`, files read before": "load, read before",
        "`load`, files that are only on the disk": "load, from the disk",
    }
    documented |= {f"`{name}`": name for name in ("to_bytes", "from_bytes", "save")}
    documented |= {f"`{name}`": name for name in ("pickle.dumps", "pickle.loads")}
    for label, name in documented.items():
        ms = report["ms_a_model"][name]
        assert said[label] == [f"{ms * report['options']['models'] / 1e3:.1f}"], name
    text = " ".join((ROOT / "docs" / "persistence.md").read_text().split())
    for size in report["bytes_a_model"].values():
        assert f"{size:,}".replace(",", " ") in text
    keyed = report["keyed"]
    saved, loaded = (f"{keyed['seconds'][name]:.1f}" for name in ("save", "load"))
    assert f"{keyed['bytes'] / 1e6:.0f} MB, is saved in {saved} s and loaded in {loaded}." in text


def test_design_says_what_actions_do():
    said = rows("design.md")
    documented = {
        'learning rate threefold, half-life 150 (`"raise_lr"`)': "raise_lr",
        "threefold, half-life 50": "raise 3, half-life 50",
        "tenfold, half-life 50": "raise 10, half-life 50",
        "tenfold, half-life 150": "raise 10, half-life 150",
        "optimizer reset": "reset_optimizer",
        "state reset": "reset_state",
        "new weights": "new weights",
        "threefold, as errors fall, too": "raise_lr as errors fall, too",
    }
    actions = results("drift")["actions"]
    assert set(documented.values()) == set(actions)
    for label, name in documented.items():
        over = actions[name]
        expected = [f"{whole(over['best'])} to {whole(over['worst'])}", whole(over["mean"])]
        assert said[label] == expected, name


def test_design_says_what_detectors_find():
    text = " ".join((ROOT / "docs" / "design.md").read_text().split())
    report = results("drift")
    seen = report["shown"]["all"]
    ours, mean = seen["ADWIN, standard deviations"], seen["ADWIN, over their running mean"]
    assert f"raises {mean['false']} alarms where there is no drift" in text
    assert f"finds {mean['found']} of 30 drifts; shown these, {ours['false']} alarms" in text
    assert f"and {ours['found']} drifts (three synthetic streams" in text
    samples = 3 * report["options"]["seeds"] * report["options"]["samples"]
    every = samples / seen["PageHinkley, targets times 1000"]["changes"]
    assert f"a change every {every:.0f} samples" in text
    nothing = {name: report["streams"][name]["none"] for name in drift_streams.SYNTHETIC}
    assert sum(nothing.pop("sea")["drifts"]) == 0
    changes = [
        drifts + improvements
        for one in nothing.values()
        for drifts, improvements in zip(one["drifts"], one["improvements"], strict=True)
    ]
    assert f"ADWIN saw {min(changes)} to {max(changes)} changes" in text


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raise_lr", "3 changed the mean error by -12 to +3 %"),
        ("raise 10, half-life 50", "10 with a half-life of 50 by -22 to +11 %"),
        ("reset_state", "resetting the state changed the mean error by -9 to 0 %"),
        ("reset_optimizer", "resetting the optimizer by -13 to +6 %"),
    ],
)
def test_docstrings_say_what_actions_do(what, said):
    source = (ROOT / "streamrnn" / "estimators" / "drift.py").read_text()
    assert said in " ".join(source.split())
    over = results("drift")["actions"][what]
    assert said.endswith(f"by {whole(over['best'])} to {whole(over['worst'])} %")


def test_half_lives_compare_as_the_docstring_says():
    """150 was better than 50 on all synthetic streams where something was found, else worse."""
    for name, found in results("drift")["streams"].items():
        if sum(found["none"]["drifts"]) == 0:
            continue
        long, short = (found[what]["error"] for what in ("raise_lr", "raise 3, half-life 50"))
        assert (long < short) == (name in drift_streams.SYNTHETIC), name


def test_design_says_what_optimizers_do():
    said, report = rows("design.md"), results("optimizers")
    found = report["streams"]
    assert list(found) == list(optimizer_streams.OPEN | optimizer_streams.REAL)
    assert said["change of the mean error, %"] == [*found, "mean"]
    assert list(report["mean_change_percent"]) == list(optimizers.CHOICES)
    for what, over in report["mean_change_percent"].items():
        if what != optimizers.DEFAULT:
            changes = [one[what]["change_percent"] for one in found.values()]
            assert said[what] == [whole(change) for change in [*changes, over]], what


def test_design_says_which_optimizers_help():
    report = results("optimizers")
    for what, better in {"Intentional, 0.3": 5, "Intentional, 0.5": 6}.items():
        changes = [one[what]["change_percent"] for one in report["streams"].values()]
        assert sum(change < 0 for change in changes) == better, what
    mean = report["mean_change_percent"]
    assert min(mean, key=mean.get) == "Intentional, 0.5"
    for rate in (0.1, 0.3, 0.5):
        cost = report["streams"]["noise"][f"Intentional, {rate:g}"]["change_percent"]
        assert (1 + cost / 100) ** 2 - 1 == pytest.approx(rate / (2 - rate), rel=0.1), rate


def test_design_says_what_each_default_is_worth():
    report, said = results("defaults"), rows("design.md")
    for what, mean in report["means"].items():
        changes = [of.get(what) for of in report["streams"].values()]
        cells = ["" if change is None else whole(change) for change in changes]
        assert said[f"`{what}`"] == [*cells, whole(mean)], what


def test_no_default_is_far_from_the_best_choice_on_the_mean():
    assert min(results("defaults")["means"].values()) > -5


def test_design_says_how_anomalies_rank():
    said, report = rows("design.md"), results("anomaly")
    others = {
        'this one, `"lasting"`': "RNNAnomalyDetector",
        'without what is left of earlier ones, `"rarity"`': "rarity",
        'its error beside the usual one, `"error"`': "error",
        "half-space trees": "HalfSpaceTrees",
        "the last value as the prediction": "last value",
        "what is usual: the last 100 errors, not 1000": "usual: the last 100 errors",
    }
    made, nab = report["means"]["samples"], report["means"]["nab"]
    documented = {name: name for name in made if name not in others.values()} | others
    for label, name in documented.items():
        early = report["early"][name]
        figures = [made[name]["roc_auc"], made[name]["pr_auc"]]
        figures += [nab[name][key] for key in ("roc_auc", "pr_auc", "windows", "windows_pr")]
        expected = [f"{value:.3f}"[1:] for value in figures]
        expected += [f"{early['nab']:.1f}", f"{early['delay']:.3f}"[1:]]
        assert said[label] == expected, name


def test_the_detector_is_better_than_trees_on_everything_but_machines_that_stay_warm():
    report = results("anomaly")
    ours, trees = "RNNAnomalyDetector", "HalfSpaceTrees"
    for means in report["means"].values():
        for key, value in means[ours].items():
            assert value > means[trees][key] + 0.02, key
    assert report["early"][ours]["nab"] > 2 * report["early"][trees]["nab"]
    assert report["early"][ours]["delay"] < report["early"][trees]["delay"]
    levels = {"machine_temperature_system_failure.csv", "Twitter_volume_AAPL.csv"}
    for name in levels:
        assert report["streams"][name][ours]["pr_auc"] < report["streams"][name][trees]["pr_auc"]


def tenths(percent):
    return f"{percent:+.1f}" if round(percent, 1) else "0.0"


def test_design_says_what_scaling_does():
    said, choices = rows("design.md"), results("scaling")["choices"]
    shown = [what for what in choices["squared"] if what in said]
    assert len(shown) == 9
    for what in shown:
        squared, huber = (choices[loss][what] for loss in ("squared", "huber"))
        expected = [squared["error"][2], squared["error"][1], squared["rms"][2], squared["rms"][1]]
        expected += [squared["bad"][2], huber["error"][2], huber["bad"][2]]
        assert said[what] == [tenths(value) for value in expected], what
    streams = results("scaling")["streams"]
    assert max(streams, key=lambda name: streams[name]["squared"]["clip 5"]["rms"]) == "water"
    source = (ROOT / "streamrnn" / "estimators" / "parameters.py").read_text()
    percent = -choices["squared"]["memory 500"]["error"][2]
    assert f"levels drift, {percent:.0f} % on the mean of {_WORDS[len(streams)]} streams" in source


_WORDS = {7: "seven", 8: "eight"}


def test_design_says_what_a_clip_costs():
    text = " ".join((ROOT / "docs" / "design.md").read_text().split())
    report = results("scaling")
    of_clip = {"neither": " without a clip", "clip 10": " with 10", "clip 5": " with 5"}
    for what, words in {**of_clip, "clip 3": " with 3"}.items():
        five, two, one = (f"{of[what]:.2f}" for of in report["peaks"].values())
        assert f"{five}, {two} and {one}{words}" in text
    after = {what: value and f"{value:.0f}" for what, value in report["following"]["100"].items()}
    assert f"in {after['clip 3']} samples with 3, {after['clip 5']} with 5" in text
    assert f"{after['clip 10']} with 10, {after['memory 500']} with a memory of 500 alone" in text
    assert after["neither"] is None
    assert f"without either not in {scaling.AFTER}." in text


def test_design_says_where_the_network_helps_and_where_not():
    text = " ".join((ROOT / "docs" / "design.md").read_text().split())
    found = results("anomaly")["streams"]

    def auc(stream, what):
        return f"{found[stream][what]['roc_auc']:.3f}"[1:]

    ours = "RNNAnomalyDetector"
    assert (
        f"of the phase errors it has {auc('phase', ours)}, the last value "
        f"{auc('phase', 'last value')}, trees {auc('phase', 'HalfSpaceTrees')}"
    ) in text
    of_sine = [auc("context", what) for what in (ours, "standard scores")]
    assert "of a sine with noise {}, standard scores {}.".format(*of_sine) in text
    by_river = [auc("sine-context", what) for what in ("standard scores", ours)]
    assert "by its labels standard scores have {}, this one {}.".format(*by_river) in text


# --- reading


def test_rows_are_the_same_in_every_format(tmp_path):
    reading.make(tmp_path, 50)
    files = sorted({run.file for run in reading.RUNS.values()})
    found = {}
    for file in files:
        with open_source(str(tmp_path / file)) as source:
            batch = next(gathered(source.items()))
            columns = dict(zip(batch.columns, batch.cells, strict=True))
        found[file] = {name: [float(cell) for cell in columns[name]] for name in (*"y", "x0", "x7")}
    assert len(found) == 4
    assert all(rows == found[files[0]] for rows in found.values())


def test_what_reading_costs_is_measured(monkeypatch):
    ran = []

    def once(folder, run):
        ran.append(run)
        return {"network": 10.0, "baselines": 1.0, "all": 12.0 + len(ran)}

    monkeypatch.setattr(reading, "once", once)
    monkeypatch.setattr(reading, "make", lambda folder, rows: None)
    found = reading.measure(10, 2, ["CSV", "Parquet"])
    assert [run.file for run in ran] == ["rows.csv", "rows.parquet", "rows.parquet", "rows.csv"]
    assert found["CSV"]["times_the_network"] == 1.45
    assert "Parquet" in reading.table({"runs": found})
