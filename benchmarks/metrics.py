"""How long judging takes on one core: ``python -m benchmarks.metrics``.

Two numbers are defended: every metric of a target with 2,000 bootstrap replicates on 22,000 scores (the size of
FakeAVCeleb) within 20 seconds, and a million scores without bootstrap within 10 seconds. The rows with all of
any, video, audio and the four classes are there to be seen. Seconds are those of the processor, so that other work
on the machine does not count.
"""

import os
import sys
import time

import numpy as np
import pandas as pd

from multimodal.labels import CLASSES
from multimodal.metrics import evaluate_scores

#: columns, clips, replicates, seconds allowed (None: reported only)
ROWS: list[tuple[str, int, int, float | None]] = [
    ("any", 22_000, 2_000, 20.0),
    ("all", 22_000, 2_000, None),
    ("any", 1_000_000, 0, 10.0),
    ("all", 1_000_000, 0, None),
]


def scores_table(clips: int, seed: int = 0) -> pd.DataFrame:
    """Clips of 500 identities and 6 methods in about FakeAVCeleb's proportions, 42 fakes to a real."""
    rng = np.random.default_rng(seed)
    index = rng.choice(4, clips, p=[0.023, 0.023, 0.45, 0.504])
    video, audio = index // 2, index % 2
    p_video = 1 / (1 + np.exp(-rng.normal(3 * video - 1.5, 1)))
    p_audio = 1 / (1 + np.exp(-rng.normal(3 * audio - 1.5, 1)))
    methods = np.array(["wav2lip", "faceswap", "fsgan", "faceswap-wav2lip", "fsgan-wav2lip"])
    method = np.where(video == 1, methods[rng.integers(0, 5, clips)], np.where(audio == 1, "rtvc", "real"))
    columns = {
        "clip_id": [f"made/{number}" for number in range(clips)],
        "identity": rng.integers(0, 500, clips).astype(str),
        "method": method,
        "any_fake": (index > 0).astype(int),
        "score_any": 1 - (1 - p_video) * (1 - p_audio),
        "video_fake": video,
        "score_video": p_video,
        "audio_fake": audio,
        "score_audio": p_audio,
        "av_class": np.array(CLASSES)[index],
    }
    posteriors = ((1 - p_video, 1 - p_audio), (1 - p_video, p_audio), (p_video, 1 - p_audio), (p_video, p_audio))
    columns |= {f"p_{name}": one * other for name, (one, other) in zip(CLASSES, posteriors, strict=True)}
    return pd.DataFrame(columns)


def main() -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    late = 0
    print(f"{'targets':<9}{'clips':>10}{'replicates':>12}{'seconds':>9}{'allowed':>9}")
    for targets, clips, replicates, allowed in ROWS:
        table = scores_table(clips)
        if targets == "any":
            table = table[["clip_id", "identity", "method", "any_fake", "score_any"]]
        start = time.process_time()
        evaluate_scores(table, replicates=replicates)
        seconds = time.process_time() - start
        late += allowed is not None and seconds > allowed
        print(f"{targets:<9}{clips:>10}{replicates:>12}{seconds:>9.1f}{allowed or '':>9}", flush=True)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
