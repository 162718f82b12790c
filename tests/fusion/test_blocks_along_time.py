"""Time of tokens at unlike rates."""

import pytest
import torch

from fusion.token_time import (
    TimeEncoding,
    encode_time,
    overlap_weights,
    resample_time,
    time_distance,
    timeless,
    token_times,
)


def test_resampling_to_the_same_length_changes_nothing():
    tokens = torch.randn(2, 7, 3)
    assert torch.equal(resample_time(tokens, 7), tokens)


def test_resampling_shares_a_token_that_straddles_a_border():
    expected = torch.tensor([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    torch.testing.assert_close(overlap_weights(3, 2), expected)


@pytest.mark.parametrize(("num_sources", "num_targets"), [(50, 8), (8, 50), (7, 3), (1, 4), (4, 1)])
def test_resampling_averages_and_keeps_the_mean_over_time(num_sources, num_targets):
    torch.testing.assert_close(overlap_weights(num_sources, num_targets).sum(dim=1), torch.ones(num_targets))
    tokens = torch.randn(2, num_sources, 3)
    torch.testing.assert_close(resample_time(tokens, num_targets).mean(dim=1), tokens.mean(dim=1))


def test_time_code_of_one_moment_is_the_same_at_unlike_rates():
    # the middle of token 1 of 3 is the middle of the window, and so is that of token 4 of 9
    torch.testing.assert_close(encode_time(3, 16)[1], encode_time(9, 16)[4], rtol=0, atol=1e-4)


def test_time_codes_of_a_window_are_all_different():
    codes = encode_time(200, 32)
    distances = torch.cdist(codes, codes) + 10 * torch.eye(200)
    assert distances.min() > 0.1


def test_time_encoding_wants_an_even_width():
    with pytest.raises(ValueError, match="width must be even"):
        TimeEncoding(7)


def test_distance_in_time_is_a_share_of_the_window_and_none_for_timeless_tokens():
    context = torch.cat([timeless(1), token_times(4)])
    distance = time_distance(token_times(2), context)
    expected = torch.tensor([[0, 0.125, 0.125, 0.375, 0.625], [0, 0.625, 0.375, 0.125, 0.125]])
    torch.testing.assert_close(distance, expected)
