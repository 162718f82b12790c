"""WaveFake with the LJSpeech and JSUT recordings that it was made from; one speaker each.

All traps of the real one: other endings for each vocoder, WaveGlow's files called as the real ones are, and a
``generated/`` folder of copies inside the text-to-speech folder.
"""

from multimodal.synthetic.layouts import planned

#: Vocoder → ending of its files.
_LJSPEECH_VOCODERS = {
    "melgan": "_gen",
    "melgan_large": "_gen",
    "multi_band_melgan": "_gen",
    "full_band_melgan": "_gen",
    "parallel_wavegan": "_gen",
    "hifiGAN": "_generated",
    "waveglow": "",
}
_JSUT_VOCODERS = ("multi_band_melgan", "parallel_wavegan")
_TEXT_TO_SPEECH = "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"
_LJ_RATE, _JSUT_RATE = 22_050, 24_000
_UTTERANCES_PER_CHAPTER = 5


def plan(options: planned.LayoutOptions) -> planned.Tree:
    """``identities * clips`` utterances of each speaker, every one vocoded by every vocoder."""
    lj = {_lj_name(number): planned.Take("LJ", number) for number in range(options.recordings)}
    jsut = {f"BASIC5000_{number + 1:04d}": planned.Take("JSUT", number) for number in range(options.recordings)}
    files: list[planned.File] = []
    for vocoder, ending in _LJSPEECH_VOCODERS.items():
        for name, take in lj.items():
            path = f"ljspeech_{vocoder}/{name}{ending}.wav"
            files.append(_wav(path, planned.Sound(take, vocoder), _LJ_RATE))
    for vocoder in _JSUT_VOCODERS:
        for name, take in jsut.items():
            files.append(_wav(f"jsut_{vocoder}/{name}_gen.wav", planned.Sound(take, vocoder), _JSUT_RATE))
    for number in range(options.recordings):
        spoken, name = (
            planned.Sound(planned.Take("LJ", 10_000 + number), "conformer_fastspeech2", "LJ"),
            f"gen_{number}.wav",
        )
        files += [
            _wav(f"{_TEXT_TO_SPEECH}/{name}", spoken, _LJ_RATE),
            planned.CopyFile(path=f"{_TEXT_TO_SPEECH}/generated/{name}", of=f"{_TEXT_TO_SPEECH}/{name}"),
        ]
    files += [_wav(f"LJSpeech-1.1/wavs/{name}.wav", planned.Sound(take), _LJ_RATE) for name, take in lj.items()]
    files += [
        _wav(f"jsut_ver1.1/basic5000/wav/{name}.wav", planned.Sound(take), _JSUT_RATE)
        for name, take in jsut.items()
    ]
    transcripts = [f"{name}|Nothing was said.|Nothing was said." for name in lj]
    japanese = [f"{name}:何も言わなかった。" for name in jsut]
    return planned.Tree(
        files=[
            *files,
            planned.TextFile(path="LJSpeech-1.1/metadata.csv", text=planned.lines_text(transcripts)),
            planned.TextFile(path="jsut_ver1.1/basic5000/transcript_utf8.txt", text=planned.lines_text(japanese)),
        ]
    )


def _lj_name(number: int) -> str:
    """LJ001-0001 and so on, a few to a chapter."""
    return f"LJ{number // _UTTERANCES_PER_CHAPTER + 1:03d}-{number % _UTTERANCES_PER_CHAPTER + 1:04d}"


def _wav(path: str, sound: planned.Sound, sample_rate: int) -> planned.AudioFile:
    return planned.AudioFile(path=path, sound=sound, sample_rate=sample_rate)


LAYOUT = planned.Layout(
    name="wavefake",
    variants={"with_reals": plan},
)
