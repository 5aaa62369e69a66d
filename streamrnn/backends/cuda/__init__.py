"""The CUDA backend: only what is in here imports ``numba.cuda``, and nothing does so at start."""
