"""What the tests of the estimators share."""

#: Constructor arguments of a model that is quick to run; sizes compile nothing.
SMALL = {"hidden_size": 6, "truncation": 5}


def model_bytes(model):
    """All numbers of a model, to compare models bit by bit."""
    return model._model.arena.tobytes() + model._model.statistics.tobytes()


def plain_gradient(length):
    """Arguments for one gradient over a whole stream: exact, unclipped, and moving nothing."""
    return {
        "truncation": length,
        "update_every": length,
        "loss_window": length,
        "optimizer": "sgd",
        "lr": 0.0,
        "clip_norm": None,
        "init": "torch",
        "scale_inputs": False,
        "scale_target": False,
        "dtype": "float64",
    }
