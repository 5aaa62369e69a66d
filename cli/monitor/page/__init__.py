"""The report: one HTML page that needs nothing but a browser."""

from .available import check_available
from .document import write_report

__all__ = ["check_available", "write_report"]
