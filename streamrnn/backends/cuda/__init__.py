"""Learning on an NVIDIA device. Only what is in here imports ``numba.cuda``, and inside functions or
modules that are imported late: importing this imports nothing of CUDA.
"""
