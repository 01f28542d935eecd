"""Pre-training: audio without labels -> objective -> a checkpoint and its card."""
