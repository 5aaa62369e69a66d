"""The version, found without importing the engine."""

from importlib import metadata


def version() -> str:
    """Return the version that is installed."""
    try:
        return metadata.version("streamrnn")
    except metadata.PackageNotFoundError:
        return "(not installed)"
