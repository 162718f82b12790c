"""The polarity and the four audio-visual classes, stated once.

Label 1 = fake, 0 = real, None = absent or unknown. A score is higher when a clip is more likely fake.
Every corpus that says it another way is converted in the one file that reads it, and nowhere else.
"""

from typing import Literal

REAL, FAKE = 0, 1
#: What stands for None in tensors of labels; it adds nothing to a loss or a metric.
UNKNOWN = -1

#: What a file is: pictures that move, with sound or without, sound alone, or one picture.
Media = Literal["video", "audio", "image"]

Modality = Literal["video", "audio"]
MODALITIES: tuple[Modality, ...] = ("video", "audio")

Target = Literal["any", "video", "audio"]
TARGETS: tuple[Target, ...] = ("any", "video", "audio")

#: R real, F fake, V video, A audio; the position is ``2 * video_fake + audio_fake``.
CLASSES: tuple[str, ...] = ("RVRA", "RVFA", "FVRA", "FVFA")


def class_index(video_fake: int, audio_fake: int) -> int:
    """Index of the audio-visual class of a clip whose two labels are known.

    >>> CLASSES[class_index(video_fake=1, audio_fake=0)]
    'FVRA'
    """
    return 2 * video_fake + audio_fake
