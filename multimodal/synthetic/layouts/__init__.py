"""Layouts of real corpora, filled with generated media: one file a corpus."""

from multimodal.synthetic.layouts import (
    asvspoof5,
    asvspoof2019,
    asvspoof2021,
    avdeepfake1m,
    celebdf,
    deeperforensics,
    deepfake_audio,
    deepfake_image,
    dfd,
    dfdc,
    dfdc_preview,
    faceforensics,
    faces140k,
    folder,
    in_the_wild,
    kodf,
    lavdf,
    voxceleb2,
    wavefake,
)
from multimodal.synthetic.layouts.planned import LayoutOptions
from multimodal.synthetic.layouts.tree import Layout

__all__ = ["LAYOUTS", "Layout", "LayoutOptions"]

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        faceforensics.LAYOUT,
        celebdf.LAYOUT,
        dfd.LAYOUT,
        deepfake_image.LAYOUT,
        deepfake_audio.LAYOUT,
        faces140k.LAYOUT,
        asvspoof2019.LAYOUT,
        asvspoof2021.LA,
        asvspoof2021.DF,
        asvspoof5.LAYOUT,
        wavefake.LAYOUT,
        lavdf.LAYOUT,
        avdeepfake1m.LAYOUT,
        dfdc.LAYOUT,
        dfdc_preview.LAYOUT,
        voxceleb2.LAYOUT,
        in_the_wild.LAYOUT,
        kodf.LAYOUT,
        deeperforensics.LAYOUT,
        folder.LAYOUT,
    )
}
