"""The page of `serve`: a place to drop files, how far each is, and the page of its verdict within."""

from functools import cache
from importlib import resources

from markupsafe import Markup

from multimodal.corpora.folder.labelled import SUFFIXES
from multimodal.report.pages.prediction import policy_hash
from multimodal.report.pages.render import render


@cache
def _script() -> str:
    return resources.files("multimodal.report.pages").joinpath("serve.js").read_text(encoding="utf-8")


#: What the page may do: run its own script, ask its own server, and show that one's verdicts.
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    f"frame-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src '{policy_hash(_script())}'"
)


def serve_page(*, title: str, largest_bytes: int) -> str:
    """The page as HTML.

    Args:
        title: a sentence on what the detector was trained on.
        largest_bytes: of a file that is taken.
    """
    return render(
        "serve.html.j2",
        title="Is it fake?",
        synthetic=False,
        trained_on=title,
        largest_bytes=largest_bytes,
        suffixes=sorted(SUFFIXES),
        policy=POLICY.replace("frame-ancestors 'none'; ", ""),  # a header's alone
        script=Markup(_script()),
    )
