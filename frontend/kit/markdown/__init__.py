"""Markdown of answers as safe HTML, whole or while it is still being written.

Rendered here and not in the browser: no Markdown bundle is loaded, and one place decides what HTML can come out. Raw
HTML in the source is shown as text, images become links (a picture's address would tell its owner who reads the
answer), and a link leads to http, https or mailto or stays text. The work grows with the length of a text and not with
its square, whatever a model writes.
"""

from frontend.kit.markdown.documents import plain, render
from frontend.kit.markdown.growing import Unfinished

__all__ = ["Unfinished", "plain", "render"]
