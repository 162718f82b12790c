"""Small generated corpora: talking heads drawn by a program, in the layouts of real corpora.

For a first run, for demonstrations and for tests; results on them say nothing about real deepfakes.
"""

from collections.abc import Callable

from multimodal.synthetic.fakeavceleb import generate_fakeavceleb
from multimodal.synthetic.layouts import LAYOUTS, Layout, LayoutOptions
from multimodal.synthetic.plan import SyntheticOptions

__all__ = ["GENERATORS", "Layout", "LayoutOptions", "SyntheticOptions", "generate_fakeavceleb"]

#: Corpus → what writes a small generated copy of it, called as ``(root, options, *, workers, progress)``.
#: FakeAVCeleb takes :class:`SyntheticOptions`, all others :class:`LayoutOptions`.
GENERATORS: dict[str, Callable[..., dict[str, int]]] = {"fakeavceleb": generate_fakeavceleb, **LAYOUTS}
