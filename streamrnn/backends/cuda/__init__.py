"""Learning on an NVIDIA device: importing this imports nothing of CUDA."""
