"""ASVspoof's corpora of speech: 2019 LA to train and test on, 2021 LA and DF to test on, and 5."""

from multimodal.corpora.asvspoof.asvspoof5 import CORPUS as ASVSPOOF5
from multimodal.corpora.asvspoof.eval2021 import DF as ASVSPOOF2021_DF
from multimodal.corpora.asvspoof.eval2021 import LA as ASVSPOOF2021_LA
from multimodal.corpora.asvspoof.la2019 import CORPUS as ASVSPOOF2019

__all__ = ["ASVSPOOF5", "ASVSPOOF2019", "ASVSPOOF2021_DF", "ASVSPOOF2021_LA"]
