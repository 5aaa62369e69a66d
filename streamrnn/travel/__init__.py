"""Models that travel: to PyTorch and back, and to ONNX. Neither is imported unless asked for."""
