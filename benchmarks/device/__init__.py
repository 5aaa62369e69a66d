"""Many streams at once on an accelerator: what is measured, by whom, and what is counted."""
