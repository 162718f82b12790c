"""What the notebook over all corpora calls: sizes, corpora or their stand-ins, and how results are shown."""

import warnings

# tqdm says so wherever ipywidgets is not installed; nothing here needs it
warnings.filterwarnings("ignore", message="IProgress not found")
