"""Text encoders: one module per family; a leading underscore hides a helper."""
