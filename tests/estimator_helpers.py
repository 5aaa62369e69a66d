"""What the tests of the estimators share."""

#: Constructor arguments of a model that is quick to run; sizes compile nothing.
SMALL = {"hidden_size": 6, "truncation": 5}


def model_bytes(model):
    """All numbers of a model, to compare models bit by bit."""
    return model._model.arena.tobytes() + model._model.statistics.tobytes()
