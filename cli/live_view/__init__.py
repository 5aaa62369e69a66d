"""A run on the terminal while it goes on."""

from .view import LiveView, PlainView, View, check_available, view_for

__all__ = ["LiveView", "PlainView", "View", "check_available", "view_for"]
