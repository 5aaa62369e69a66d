"""The CUDA backend. Only what is in here imports ``numba.cuda``, and nothing imports it at start."""
