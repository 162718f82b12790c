"""Other people's detectors for ``evaluate --detector``: a prepared clip in, a score that is higher for fakes out.

Each is a class made with its options and called with a :class:`multimodal.media.prepared.PreparedClip`. One of
your own may lie anywhere that Python finds; a function of a clip is enough.
"""
