from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.media import packed
from multimodal.media.crops import Square, crop_area, crop_part, crop_square
from multimodal.media.reading.time_grid import OnGrid, part_of


def cut_out(picture: np.ndarray, square: Square, crop_size: int) -> np.ndarray:
    area = crop_area(square, width=picture.shape[1], height=picture.shape[0])
    return crop_part(part_of(OnGrid(0, picture, 0.0), area).pixels(area), square, crop_size)


def test_a_square_is_centred_on_the_face_with_its_margin():
    square = crop_square(np.array([40.0, 30.0, 60.0, 70.0]), margin=0.25, width=200, height=200)
    assert square == (25.0, 25.0, 50.0)


@settings(max_examples=80, deadline=None)
@given(
    corner=st.tuples(st.floats(-30, 90), st.floats(-30, 90)),
    size=st.tuples(st.floats(0, 150), st.floats(0, 150)),
    margin=st.floats(0, 1),
    picture_size=st.tuples(st.integers(20, 120), st.integers(20, 120)),
)
def test_a_square_never_leaves_the_picture(corner, size, margin, picture_size):
    width, height = picture_size
    box = np.array([*corner, corner[0] + size[0], corner[1] + size[1]])
    x, y, side = crop_square(box, margin=margin, width=width, height=height)
    assert x >= 0
    assert y >= 0
    assert 1 <= side <= min(width, height)
    assert x + side <= width + 1e-9
    assert y + side <= height + 1e-9
    picture = np.zeros((height, width, 3), np.uint8)
    assert cut_out(picture, Square(x, y, side), 32).shape == (32, 32, 3)


def test_a_crop_of_the_asked_size_is_the_picture_itself():
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    square = crop_square(np.array([20.0, 10.0, 52.0, 42.0]), margin=0.0, width=80, height=60)
    np.testing.assert_array_equal(cut_out(picture, square, 32), picture[10:42, 20:52])


def test_fine_patterns_are_averaged_and_not_skipped_when_a_crop_shrinks():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    square = crop_square(np.array([0.0, 0.0, 128.0, 128.0]), margin=0.0, width=128, height=128)
    assert cut_out(stripes, square, 32).mean() == pytest.approx(127.5, abs=1.5)
    assert cut_out(stripes, square, 32)[8:-8, 8:-8].std() < 3


def test_a_crop_follows_a_box_that_moves_by_less_than_a_pixel():
    rows, columns = np.mgrid[:100, :100]
    slope = (2 * columns + 0.37 * rows).astype(np.uint8)[..., None].repeat(3, axis=2)
    values = []
    for shift in (0.0, 0.25, 0.5, 0.75):
        square = crop_square(np.array([17 + shift, 20, 77 + shift, 80]), margin=0.0, width=100, height=100)
        values.append(cut_out(slope, square, 40).astype(float).mean())
    assert np.diff(values) == pytest.approx([0.5, 0.5, 0.5], abs=0.2)


def smooth_crops(side: int, count: int, edges: int) -> np.ndarray:
    """Crops whose colours change little from row to row, but for so many squares that stand out of each."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side]
    crops = (rows + 2 * columns)[None, ..., None] + generator.integers(-3, 4, (count, side, side, 3)) + 90
    for crop in crops:
        for y, x in generator.integers(0, side, (edges, 2)):
            crop[y : y + 5, x : x + 5, generator.integers(3)] += 100
    return crops.astype(np.uint8)


@pytest.mark.parametrize("packing", ["lz4", "zstd"])
@pytest.mark.parametrize("side", [1, 4, 7, 33, 224])
@pytest.mark.parametrize("count", [0, 1, 5, 35])
def test_packed_differences_give_every_pixel_back_in_any_size_and_number(side, count, packing):
    noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    several = [noise, smooth_crops(side, count, 0), smooth_crops(side, count, 3)]
    for crops in (*several, np.concatenate([some[: count // 3] for some in several])):
        pieces = [packed.encode(crop, packing) for crop in crops]
        np.testing.assert_array_equal(packed.decode(pieces, side, packing), crops)


def test_crops_of_older_stores_three_planes_of_differences_are_read():
    crops = smooth_crops(64, 3, 2)
    rows = np.concatenate([crops[:, :1], np.diff(crops, axis=1)], axis=1)
    planes = np.stack([rows[..., 1], rows[..., 0] - rows[..., 1], rows[..., 2] - rows[..., 1]], axis=1)
    older = [pa.compress(one.tobytes(), codec="zstd", asbytes=True) for one in planes]
    assert all(packed.encode(crop, "zstd") != one for crop, one in zip(crops, older, strict=True))
    pieces = [older[0], packed.encode(crops[1], "zstd"), older[2]]
    np.testing.assert_array_equal(packed.decode(pieces, 64, "zstd"), crops)


def repacked(piece: bytes, packing: packed.Packing, change: Callable[[bytearray], None]) -> bytes:
    """The same piece, its content changed."""
    codec = packed._CODECS[packing]
    content = bytearray(codec.unpack(piece, codec.content_size(piece)))
    change(content)
    return codec.pack(np.frombuffer(content, np.uint8))


def count_one_less_or_more(content: bytearray) -> None:
    """Of the first row of a crop of 32 pixels, so that rows and all together disagree."""
    content[2 * 32 * 32] ^= 1


@pytest.mark.parametrize("packing", ["lz4", "zstd"])
def test_what_is_no_crop_or_one_of_another_size_is_a_value_error(packing):
    crop = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    whole = packed.encode(crop, packing)
    miscounted = repacked(packed.encode(smooth_crops(32, 1, 2)[0], packing), packing, count_one_less_or_more)
    others = [packed.encode(one, packing) for one in (crop[:31, :31], np.tile(crop, (2, 2, 1)))]
    for content in (b"", b"RIFF" + bytes(500), whole[:300], whole[:-20], miscounted, *others):
        with pytest.raises(ValueError, match="a crop that is not 32 pixels square"):
            packed.decode([content], 32, packing)


def test_a_block_that_holds_less_than_it_says_is_no_crop():
    crop = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    short = packed._LZ4.compress(packed.encode(crop)[:2000], asbytes=True)
    with pytest.raises(ValueError, match="a crop that is not 32 pixels square"):
        packed.decode([(3 * 32 * 32).to_bytes(4, "little") + short], 32)
