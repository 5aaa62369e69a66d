"""The River estimators; the only place that imports River."""
