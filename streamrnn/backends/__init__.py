"""Where compiled code runs, one file each: a backend offers ``run`` (see `cpu`)."""
