"""One set of stored features under every protocol that exists for a corpus: what a number is worth elsewhere.

The same model gets 72 or 78 depending on who splits; here one table says which, with the same features and the
same head, and which of its rows must never be compared.
"""

from harness.translate._protocols import FOLDERS, Request
from harness.translate._story import Translation, translate
from harness.translate._write import translation_text, write_translation

__all__ = ["FOLDERS", "Request", "Translation", "translate", "translation_text", "write_translation"]
