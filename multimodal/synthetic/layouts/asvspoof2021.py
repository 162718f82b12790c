"""ASVspoof 2021 LA and DF: one evaluation folder of FLACs and keys of 8 or 13 columns.

Trials of each key belong to the subsets eval, eval, progress and hidden in turn; only eval is meant to be scored.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from multimodal.synthetic.layouts.asvspoof2019 import Trial, trials_of
from multimodal.synthetic.layouts.planned import AudioFile, Layout, LayoutOptions, TextFile, Tree, lines_text

_SUBSETS = ("eval", "eval", "progress", "hidden")
_LA_CODECS = ("none", "alaw", "pstn", "g722", "ulaw", "gsm", "opus")
_TRANSMISSIONS = ("ita_tx", "sin_tx", "loc_tx", "mad_tx")
_DF_CODECS = ("nocodec", "low_mp3", "high_mp3", "low_m4a", "high_m4a", "low_ogg", "high_ogg", "mp3m4a", "oggm4a")
_SOURCES = ("asvspoof", "vcc2018", "vcc2020")
_VOCODERS = ("neural_vocoder_autoregressive", "traditional_vocoder", "waveform_concatenation", "unknown")


def la(options: LayoutOptions) -> Tree:
    """Logical access: telephony codecs and transmissions."""
    return _plan(options, "LA", _la_line)


def df(options: LayoutOptions) -> Tree:
    """Deepfake: media codecs, three source corpora, kinds of vocoder."""
    return _plan(options, "DF", _df_line)


def _plan(options: LayoutOptions, task: str, line: Callable[[int, Trial, str], str]) -> Tree:
    trials = trials_of(options, "eval", corpus="asvspoof2021", prefix=f"{task}_E", systems=range(7, 20))
    folder = f"ASVspoof2021_{task}_eval"
    key = lines_text(map(line, range(len(trials)), trials, _subsets(trials)))
    return Tree(
        files=[
            *(AudioFile(path=f"{folder}/flac/{trial.name}.flac", sound=trial.sound) for trial in trials),
            TextFile(
                path=f"{folder}/ASVspoof2021.{task}.cm.eval.trl.txt", text=lines_text(t.name for t in trials)
            ),
            TextFile(path=f"keys/{task}/CM/trial_metadata.txt", text=key),
        ]
    )


def _la_line(index: int, trial: Trial, subset: str) -> str:
    codec, transmission = _LA_CODECS[index % 7], _TRANSMISSIONS[index % 4]
    attack, key, trim = _common(trial, subset)
    return f"{trial.speaker} {trial.name} {codec} {transmission} {attack} {key} {trim} {subset}"


def _df_line(index: int, trial: Trial, subset: str) -> str:
    codec, source = _DF_CODECS[index % 9], _SOURCES[index % 3]
    attack, key, trim = _common(trial, subset)
    vocoder = "bonafide" if trial.system is None else _VOCODERS[index % 4]
    return f"{trial.speaker} {trial.name} {codec} {source} {attack} {key} {trim} {subset} {vocoder} - - - -"


def _subsets(trials: Sequence[Trial]) -> Iterator[str]:
    """The subset of every trial, so that each has bona fide and spoofed ones where there are enough."""
    turns = {is_spoof: cycle(_SUBSETS) for is_spoof in (False, True)}
    return (next(turns[trial.system is not None]) for trial in trials)


def _common(trial: Trial, subset: str) -> tuple[str, str, str]:
    trim = "trim" if subset == "hidden" else "notrim"
    return trial.system or "bonafide", "bonafide" if trial.system is None else "spoof", trim


LA = Layout(
    name="asvspoof2021_la",
    variants={"la": la},
)
DF = Layout(
    name="asvspoof2021_df",
    variants={"df": df},
)
