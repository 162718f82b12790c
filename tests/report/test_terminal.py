from multimodal.report.terminal import aligned


def test_a_name_with_a_line_break_begins_no_row_and_a_long_one_is_shortened():
    rows = aligned([("system", "AUC"), ("a\nrandom  1.000\x1b[2J", "0.5"), ("n" * 300, "0.6")])
    assert rows[1].split() == ["a\\u000arandom", "1.000\\u001b[2J", "0.5"]
    assert len(rows) == 3
    assert max(map(len, rows)) < 80
    assert "n…n" in rows[2]
