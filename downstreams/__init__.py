"""Heads: one module each; the folder is the registry. A leading underscore hides a helper."""
