"""Lanes: how many threads of a device do together what the engine gives them to do."""
