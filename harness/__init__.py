"""EmoHarness: how much does a speech representation know about emotion, and can one believe the number?"""

__version__ = "0.1.0"
