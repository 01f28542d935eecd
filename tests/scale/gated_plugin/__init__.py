"""A third-party upstream and head whose workers stop at a gate, so that a test can kill one in the middle."""
