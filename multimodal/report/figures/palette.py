"""Colours, the same in every figure and page, told apart by colour-blind eyes too.

The palette is that of Okabe and Ito, "Color Universal Design" (2008).
"""

REAL_COLOUR = "#0072B2"
FAKE_COLOUR = "#D55E00"
LABEL_COLOURS = {"real": REAL_COLOUR, "fake": FAKE_COLOUR}

#: A clip with nothing fake has the colour of real, one with both fake that of fake.
CLASS_COLOURS = {"RVRA": REAL_COLOUR, "RVFA": "#009E73", "FVRA": "#CC79A7", "FVFA": FAKE_COLOUR}

TARGET_COLOURS = {"any": "#222222", "video": "#8A4F7D", "audio": "#B07D00"}

#: For curves that stand for none of the above.
SERIES_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")

INK, MUTED, GRID = "#222222", "#6B6B6B", "#E4E4E4"
