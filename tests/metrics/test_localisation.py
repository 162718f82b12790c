"""Segments against the numbers of the corpora's own package, by hand, and by what must hold of any system."""

import numpy as np
import pytest

from multimodal.metrics.localisation import (
    AR_COUNTS,
    FrameScores,
    average_precision,
    average_recall,
    judge_localisation,
    located,
)
from multimodal.metrics.ranking import roc_auc

#: Case → AP at IoU 0.5, 0.75 and 0.95, and AR at 5, 10 and 100, as avdeepfake1m 0.0.4 gives them on
#: :func:`random_clips`. On 1,000 such cases the largest difference was 1.4e-7.
REFERENCE = {
    6: ((0.408340, 0.329285, 0.167756), (0.700000, 0.755555, 0.766667)),
    40: ((0.229167, 0.222222, 0.000000), (0.200000, 0.633333, 0.733333)),
    56: ((0.583333, 0.433333, 0.203704), (0.800000, 0.933333, 0.966667)),
    90: ((0.297893, 0.270115, 0.130952), (0.800000, 0.933333, 0.950000)),
    95: ((0.515580, 0.316466, 0.262030), (0.700000, 0.812500, 0.925000)),
    105: ((0.092500, 0.038690, 0.008065), (0.325000, 0.375000, 0.550000)),
}


def random_clips(case: int):
    """Clips with up to two forged stretches and proposals near some of them."""
    generator = np.random.default_rng([7, case])
    clips = []
    for index in range(int(generator.integers(1, 8))):
        num_true, num_said = int(generator.integers(0, 3)), int(generator.integers(1, 14))
        num_true = max(num_true, int(index == 0))
        true = np.sort(generator.uniform(0, 8, (num_true, 2)), axis=1).round(2)
        said = np.sort(generator.uniform(0, 8, (num_said, 2)), axis=1).round(2)
        for row in range(num_said):
            if num_true and generator.random() < 0.6:
                near = true[generator.integers(num_true)] + generator.normal(0, 0.12, 2)
                said[row] = np.sort(near).round(2)
        scores = generator.random(num_said).round(int(generator.integers(1, 4)))
        clips.append(located(np.column_stack([scores, said]), true))
    return clips


@pytest.mark.parametrize("case", REFERENCE)
def test_precision_and_recall_equal_those_of_the_corpora_s_own_package(case):
    clips, (precisions, recalls) = random_clips(case), REFERENCE[case]
    assert [average_precision(clips, overlap) for overlap in (0.5, 0.75, 0.95)] == pytest.approx(
        precisions, abs=1e-6
    )
    assert [average_recall(clips, count) for count in (5, 10, 100)] == pytest.approx(recalls, abs=1e-6)


def test_a_segment_takes_the_surest_proposal_that_hits_it_and_a_second_one_is_wrong():
    clip = located([(0.9, 0.0, 1.1), (0.8, 0.0, 1.0), (0.1, 5.0, 6.0)], [(0.0, 1.0), (5.0, 6.0)])
    # right, wrong, right; what lies left of the first proposal is left out: 2/3 of the second half
    assert average_precision([clip], 0.5) == pytest.approx(2 / 3 / 2)
    # at 0.95 the first misses: wrong, right, right
    assert average_precision([clip], 0.95) == pytest.approx(2 / 3)


def test_recall_counts_the_first_proposals_of_a_clip_only():
    clip = located([(0.9, 3.0, 4.0), (0.8, 0.0, 1.0)], [(0.0, 1.0)])
    assert (average_recall([clip], 1), average_recall([clip], 2)) == (0.0, 1.0)


def test_segments_of_clips_without_proposals_are_not_counted():
    said, silent = located([(0.9, 0.0, 1.0)], [(0.0, 1.0)]), located([], [(0.0, 1.0)])
    assert average_recall([said, silent], 5) == average_recall([said], 5) == 1.0
    assert average_precision([said, silent], 0.5) == 0.0  # one of two found, by the surest proposal: left out


def test_where_nothing_is_forged_precision_is_not_defined():
    assert np.isnan(average_precision([located([(0.9, 0.0, 1.0)], [])], 0.5))


@pytest.mark.parametrize("wrong", [[(0.9, 2.0, 1.0)], [(0.9, np.nan, 1.0)]])
def test_a_segment_that_ends_before_it_begins_is_refused(wrong):
    with pytest.raises(ValueError, match="a proposal goes from"):
        located(wrong, [])


def judged(replicates: int, seed: int = 0):
    clips = [clip for case in range(12) for clip in random_clips(case)]
    generator = np.random.default_rng(3)
    frames = []
    for clip in clips:
        times = np.arange(0, 8, 0.04)
        forged = np.any([(times >= start) & (times < end) for start, end in clip.truth], axis=0)
        forged = np.broadcast_to(forged, times.shape)
        frames.append(FrameScores(generator.normal(forged, 1.0).round(2), forged))
    people = [f"person {index % 15}" for index in range(len(clips))]
    return clips, frames, judge_localisation(clips, frames, people, replicates=replicates, seed=seed)


def test_every_measure_has_its_value_and_an_interval_around_it():
    clips, frames, found = judged(200)
    assert found["ap@0.5"]["value"] == pytest.approx(average_precision(clips, 0.5))
    assert [found[f"ar@{count}"]["value"] for count in AR_COUNTS] == pytest.approx(
        [average_recall(clips, count) for count in AR_COUNTS]
    )
    scores, forged = (np.concatenate([getattr(one, name) for one in frames]) for name in ("scores", "forged"))
    assert found["frame_auc"]["value"] == pytest.approx(roc_auc(scores[forged], scores[~forged]))
    assert all(one["low"] < one["value"] < one["high"] for one in found.values())


def test_draws_follow_from_the_seed_and_no_replicates_mean_no_intervals():
    assert judged(50)[2] == judged(50)[2] != judged(50, seed=1)[2]
    assert all(one["low"] is None and one["value"] is not None for one in judged(0)[2].values())
