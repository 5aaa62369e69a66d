"""A forecaster as it is defined, on the online twin; all values are kept."""

import copy
import math


class ForecastingTwin:
    """Recursive or direct forecasts; `twin` has as many outputs as there are direct ones.

    What is known of a moment besides is a list of numbers, the last inputs.
    """

    def __init__(self, twin, lags=(1,), direct=None):
        self.twin, self.lags, self.direct = twin, lags, direct
        self.values = []  # NaN where one is unknown
        self.past = []  # a prediction in its place

    def inputs(self, past, moment):
        return [past[-lag] if lag <= len(past) else math.nan for lag in self.lags] + list(moment)

    def learn(self, y, moment=()):
        x = self.inputs(self.past, moment)
        guess = self.twin.predict(x)[0] if self.has_learnt() else math.nan
        y = math.nan if y is None else y
        self.values.append(y)
        self.past.append(guess if math.isnan(y) else y)
        if self.direct is None:
            self.twin.learn(x, None if math.isnan(y) else y)
            return
        self.twin.learn(x, None, waits=True)
        targets = self.values[-self.direct :]
        if len(targets) == self.direct and not all(map(math.isnan, targets)):
            self.twin.label(self.direct - 1, targets)

    def has_learnt(self):
        return any(sample["target"] is not None for sample in self.twin.history)

    def forecast(self, horizon, moments):
        if self.direct is not None:
            return self.twin.predict(self.inputs(self.past, moments[0]))[:horizon].tolist()
        twin, past = copy.deepcopy(self.twin), list(self.past)
        for moment in moments:
            x = self.inputs(past, moment)
            past.append(twin.predict(x)[0])
            twin.states = twin.look(x, commit=False)["states"]
        return past[len(self.past) :]
