"""Named rules that assign clips to train, val and test. A new one is a function and one line here.

A protocol is a function ``(manifest, generator, *, options with defaults) -> Assignment``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from multimodal.catalog import Catalog, public_names

if TYPE_CHECKING:
    from multimodal.splits.assignment import SPLITS, Assignment
    from multimodal.splits.making import make_split, protocol_options
    from multimodal.splits.split import Split
    from multimodal.splits.whole_groups import list_groups
else:
    __getattr__ = public_names(
        __name__,
        {
            "assignment": ("SPLITS", "Assignment"),
            "making": ("make_split", "protocol_options"),
            "split": ("Split",),
            "whole_groups": ("list_groups",),
        },
    )

__all__ = ["PROTOCOLS", "SPLITS", "Assignment", "Split", "list_groups", "make_split", "protocol_options"]

PROTOCOLS: "Catalog[Callable[..., Assignment]]" = Catalog(
    {
        "official": "multimodal.splits.whole_groups:official",
        "random": "multimodal.splits.whole_groups:random",
        "source_disjoint": "multimodal.splits.whole_groups:source_disjoint",
        "content_disjoint": "multimodal.splits.whole_groups:content_disjoint",
        "donor_disjoint": "multimodal.splits.donor_disjoint:donor_disjoint",
        "group_disjoint": "multimodal.splits.whole_groups:group_disjoint",
        "group_out": "multimodal.splits.whole_groups:group_out",
        "leave_method_out": "multimodal.splits.leave_out:leave_method_out",
        "leave_two_speakers_out": "multimodal.splits.leave_out:leave_two_speakers_out",
        "mrdf5": "multimodal.splits.mrdf5:mrdf5",
        "mrdf5_balanced": "multimodal.splits.mrdf5:mrdf5_balanced",
        "from_file": "multimodal.splits.from_file:from_file",
    }
)
