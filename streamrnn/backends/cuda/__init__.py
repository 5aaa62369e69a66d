"""The CUDA backend. Only what is in here imports ``numba.cuda``, and nothing does at start."""
