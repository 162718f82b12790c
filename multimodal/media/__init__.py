"""From a media file on disk to face crops and waveform, and the store that keeps them."""
