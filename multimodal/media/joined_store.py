"""Several stores read as one: corpora that were prepared apart, for a model that learns from all of them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from multimodal.labels import MODALITIES, Modality
from multimodal.media.prepared import PreparedClip
from multimodal.media.store import Store
from multimodal.media.storing.format import differences


class JoinedStore:
    """Stores of different clips that were made alike.

    Args:
        stores: at least one; all of one cropper and its options, since a model would learn to tell corpora that
            are cropped differently, and a corpus mostly is its labels.

    Raises:
        ValueError: stores made differently (says in what), or a clip that is in two of them.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        first, *others = stores
        for other in others:
            if other.fingerprint != first.fingerprint:
                differing = "; ".join(differences(other.fingerprint, first.fingerprint))
                raise ValueError(
                    f"{other.folder} was prepared otherwise than {first.folder}: {differing}. Prepare both alike"
                )
        self.stores = tuple(stores)
        self.folder, self.options, self.fingerprint = first.folder, first.options, first.fingerprint

    def __getstate__(self) -> dict[str, Any]:
        kept = ("stores", "folder", "options", "fingerprint")
        return {name: self.__dict__[name] for name in kept}

    @cached_property
    def index(self) -> pd.DataFrame:
        """The stores' indices, one below the other."""
        index = pd.concat([store.index for store in self.stores], ignore_index=True)
        repeated = index["clip_id"][index["clip_id"].duplicated()]
        if len(repeated):
            raise ValueError(f"{len(repeated)} clips are in two of the stores, e.g. {repeated.iloc[0]}")
        return index

    def check_options(self, fingerprint: str) -> None:
        """As :meth:`Store.check_options`."""
        self.stores[0].check_options(fingerprint)

    def read(
        self,
        clip_id: str,
        start: int = 0,
        num_frames: int | None = None,
        *,
        modalities: Sequence[Modality] = MODALITIES,
    ) -> PreparedClip:
        """As :meth:`Store.read`, from whichever store has the clip."""
        store = self._store_of.get(clip_id, 0)
        return self.stores[store].read(clip_id, start, num_frames, modalities=modalities)

    @cached_property
    def _store_of(self) -> dict[str, int]:
        return {clip_id: place for place, store in enumerate(self.stores) for clip_id in store.index["clip_id"]}


AnyStore = Store | JoinedStore
