"""What a training cannot work with is one line, before anything is written."""

import pytest

from experiments.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--video.options.frame-size", "abc"], "encoder 'frames' cannot work with"),
        (["--video.options.frame-size", "-3"], "encoder 'frames' cannot work with"),
        (["--video.options.backbone", "nope_net"], "nope_net"),
        (["--audio.options.n-mels", "0"], "n_mels"),
        (["--fusion.options", "width", "-1"], "width must be at least 1; got -1"),
        (["--fusion.name", "score", "--synchrony-weight", "0.5"], "ScoreFusion compares nothing along time"),
        (
            ["--video.name", "frames", "--video.options", "backbone", "test_resnet", "frame_size", "-3"],
            "frame_size -3",
        ),
    ],
)
def test_values_that_no_encoder_or_fusion_works_with_are_one_line_and_leave_no_folder(
    arguments, message, workspace, tmp_path, capsys
):
    data = ["--manifest", str(workspace / "manifest.parquet"), "--split", str(workspace / "split.parquet")]
    data += ["--store", str(workspace / "store"), "--out", str(tmp_path / "run")]
    assert main(["train", "small", *data, *arguments]) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [["--out", ""], ["--out="], ["--video.weights", ""]])
def test_an_empty_word_is_not_taken_for_the_present_folder(arguments, capsys):
    assert main(["train", "small", *arguments]) == 2
    assert f"{arguments[0].rstrip('=')} is empty" in capsys.readouterr().err
