"""The model card that is written beside an encoder's weights (a Jinja template, filled by ``Encoder``)."""

MODEL_CARD = """---
{{ card_data }}
---

# Encoder `{{ encoder }}`

One modality in ({{ modality }}), tokens `(batch, time, {{ embed_dim }})` out; {{ parameters }} parameters.

**Trained on:** {{ trained_on }}

**Input:** `{{ input_spec }}`; the encoder normalises by itself.

```python
from encoders import load_encoder

encoder = load_encoder("path/to/this/folder")
```

Scores of a detector that uses this encoder say nothing about media unlike what it was trained on.
"""
