"""Small generated corpora: talking heads drawn by a program, in the layouts of real corpora.

For a first run, for demonstrations and for tests; results on them say nothing about real deepfakes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from multimodal.catalog import Catalog, public_names
from multimodal.synthetic.layouts import CONTENTS

if TYPE_CHECKING:
    from multimodal.synthetic.fakeavceleb import generate_fakeavceleb
    from multimodal.synthetic.layouts.planned import Layout, LayoutOptions
    from multimodal.synthetic.plan import SyntheticOptions
else:
    __getattr__ = public_names(
        __name__,
        {
            "fakeavceleb": ("generate_fakeavceleb",),
            "layouts.planned": ("Layout", "LayoutOptions"),
            "plan": ("SyntheticOptions",),
        },
    )

__all__ = ["GENERATORS", "SUMMARIES", "Layout", "LayoutOptions", "SyntheticOptions", "generate_fakeavceleb"]

#: Corpus → what writes a small generated copy of it, called as ``(root, options, *, workers, progress)``.
#: FakeAVCeleb takes :class:`SyntheticOptions`, all others :class:`LayoutOptions`.
GENERATORS: Catalog[Callable[..., dict[str, int]]] = Catalog(
    {
        "fakeavceleb": "multimodal.synthetic.fakeavceleb:generate_fakeavceleb",
        **{name: place for name, (place, _) in CONTENTS.items()},
    }
)

#: Corpus → what its copy holds, in one line.
SUMMARIES: dict[str, str] = {
    "fakeavceleb": "FakeAVCeleb: the four classes, talking heads of ten groups of people",
    **{name: summary for name, (_, summary) in CONTENTS.items()},
}
