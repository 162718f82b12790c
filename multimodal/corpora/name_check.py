"""File names as a second witness to a label that a folder or a table states."""

from dataclasses import dataclass

from multimodal.corpora.scan_report import ScanReport


@dataclass
class NameCheck:
    """Compares what names say with the labels stated; where the two disagree, no label is certain.

    ``rule`` says in words which names are real and which fake, for the person who must decide. ``stated_by`` is
    where the label comes from, if not from a folder.

    >>> check, report = NameCheck("real_N is real, fake_N is fake"), ScanReport()
    >>> check.accepts("real/real_1.jpg", 0, 0, report), check.accepts("real/fake_1.jpg", 0, 1, report)
    (True, False)
    """

    rule: str
    stated_by: str = "folder"
    num_agreeing: int = 0
    num_contradicting: int = 0
    example: str = ""

    def accepts(self, path: str, fake: object, fake_by_name: object | None, report: ScanReport) -> bool:
        """Whether a file's label stands; one whose name says another is skipped. None: it says nothing."""
        if fake_by_name is None:
            return True
        if fake_by_name == fake:
            self.num_agreeing += 1
            return True
        self.num_contradicting += 1
        self.example = self.example or path
        report.skip(f"its name contradicts its {self.stated_by}, so its label is not certain", path)
        return False

    def conclude(self, report: ScanReport) -> None:
        """Warn of contradictions; ``ValueError`` where there are as many as agreements, or more."""
        if not self.num_contradicting:
            return
        total = self.num_contradicting + self.num_agreeing
        is_folder = self.stated_by == "folder"
        above = "the real or fake folder above them" if is_folder else f"their {self.stated_by}"
        found = (
            f"{self.num_contradicting:,} of {total:,} names contradict {above}, e.g. {self.example} ({self.rule})"
        )
        if self.num_contradicting >= self.num_agreeing:
            swapped = "folders seem to be swapped" if is_folder else "labels seem to be the other way round"
            raise ValueError(f"{found}. The {swapped}: compare with the download, and mend them.")
        report.warn(f"{found}; these files were left out")
