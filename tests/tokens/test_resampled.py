import pandas as pd
import pytest

from multimodal.data.windows import WindowTensors
from multimodal.tokens.resampled import resample
from multimodal.tokens.smote import Resampling


class SilentClips:
    """Tokens of clips that have a picture and no sound."""

    def read(self, clip_id: str, window: int) -> WindowTensors:
        return WindowTensors({}, {"video": True, "audio": False}, {})


def test_clips_that_lack_a_modality_are_none_to_make_others_of():
    clips = pd.DataFrame({"clip_id": ["a", "b"], "av_class": ["RVRA", "FVRA"], "video_fake": [0, 1]})
    with pytest.raises(ValueError, match="with both picture and sound, of two classes; got 0"):
        resample(SilentClips(), clips.assign(audio_fake=0, any_fake=clips["video_fake"]), Resampling())
