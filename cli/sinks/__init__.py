"""Where predictions go. Every module of this package is a place or a format: see ``protocol``."""
