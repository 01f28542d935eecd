"""What a corpus is like: groups in numbers, what tells the label without the voice, and a page with pictures."""

from harness.portrait._page import page
from harness.portrait._portrait import Portrait, portray
from harness.portrait._text import text

__all__ = ["Portrait", "page", "portray", "text"]
