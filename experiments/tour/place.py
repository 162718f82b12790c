"""Where the notebook works."""

import os
from pathlib import Path

import experiments

#: Another folder to work in than the project's, e.g. for a test.
FOLDER_VARIABLE = "NOTEBOOK_FOLDER"


def go_to_project() -> Path:
    """Make the project's folder the working directory, so that ``../FakeAVCeleb`` lies beside it.

    Returns the folder, relative to it, of everything that the notebook writes.
    """
    os.chdir(os.environ.get(FOLDER_VARIABLE) or Path(experiments.__file__).parents[1])
    return Path("notebook-work")
