# make quickstart · make test · make lint · make bench · make notebook · make jupyter — each makes the virtual environment it needs on its own.
PYTHON ?= python3
VENV   ?= .venv
RUN     = $(VENV)/bin/python

.PHONY: install quickstart test lint bench notebook jupyter clean

install: $(VENV)/.installed

# uv installs the same set several times faster; pip does it where uv cannot be had.
$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; assert (3, 10) <= sys.version_info[:2] <= (3, 12), f"needs Python 3.10 to 3.12; got {sys.version.split()[0]}. Call make PYTHON=python3.11"'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet uv || true
	if [ -x $(VENV)/bin/uv ]; then \
		VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/uv pip install --quiet --editable '.[test,lint]' || $(RUN) -m pip install --editable '.[test,lint]'; \
	else $(RUN) -m pip install --editable '.[test,lint]'; fi
	touch $@

quickstart: install
	$(RUN) -m experiments quickstart

# One instruction set on every machine: on some virtual ones the AVX-512 kernels of oneDNN crash or return noise.
test: install
	TQDM_DISABLE=1 OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX2 $(RUN) -m pytest -n 2 --dist loadgroup

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy encoders fusion multimodal
	$(VENV)/bin/lint-imports

# What takes minutes in all on two cores; each stops with an error where it misses a limit. benchmarks/README.md has the rest.
bench: install
	$(RUN) benchmarks/metrics.py
	$(RUN) benchmarks/statistics.py
	$(RUN) benchmarks/fuzz_prepare.py --files 300
	ONEDNN_MAX_CPU_ISA=AVX2 $(RUN) -m benchmarks.encoders --precisions float32

# Executes the notebook anew, on generated copies of all corpora, and keeps its outputs.
notebook: install
	OMP_NUM_THREADS=1 $(RUN) -m experiments.notebooks.refresh

# Opens the notebook in a browser; JupyterLab is installed on the first call, and shows the pages kept in a notebook that is trusted.
jupyter: install
	$(RUN) -c 'import jupyterlab' 2>/dev/null || $(VENV)/bin/uv pip install --quiet --python $(RUN) --editable '.[notebook]' || $(RUN) -m pip install --editable '.[notebook]'
	$(RUN) -m jupyter trust experiments/notebooks/all_datasets.ipynb
	$(RUN) -m jupyterlab experiments/notebooks/all_datasets.ipynb

clean:
	rm -rf $(VENV) quickstart notebook-work
