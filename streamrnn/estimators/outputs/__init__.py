"""What targets are to a network: one file for each kind of task."""
