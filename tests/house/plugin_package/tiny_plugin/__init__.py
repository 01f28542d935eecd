"""A third-party plug-in: one family, one head, one card, one recipe."""
