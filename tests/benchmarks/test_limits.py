import resource

import pytest

from benchmarks.limits import Call, complaint


def no_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize(
    ("command", "ends", "wrong"),
    [
        (["--help"], "well", None),
        (["--help"], "refused", "it ended well"),
        (["leaderboard", "nothing", "nobody"], "refused", None),
        (["leaderboard", "nothing", "nobody"], "well", "exit code 1: error: no scores in nothing"),
    ],
)
def test_a_call_in_a_narrow_place_ends_as_its_row_says(tmp_path, command, ends, wrong):
    found = complaint(Call("no files", command, ends, no_files), tmp_path)
    assert found == wrong if wrong is None else found is not None and found.startswith(wrong)
