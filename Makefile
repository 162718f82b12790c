# make quickstart · make test · make lint · make bench · make notebook · make jupyter · make docs — each makes the virtual environment it needs on its own.
# make test-latest tests with the newest versions that setup.cfg allows, make lock writes the exact ones anew: docs/installing.md.
PYTHON ?= python3
VENV   ?= .venv
LATEST ?= .venv-latest
RUN     = $(VENV)/bin/python
LOCK    = requirements/lock.txt
# One instruction set on every machine: on some virtual ones the AVX-512 kernels of oneDNN crash or return noise.
PYTEST  = TQDM_DISABLE=1 OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX2 $(1)/bin/python -m pytest -n 2 --dist loadfile

.PHONY: install quickstart test test-media test-latest lock lint bench notebook jupyter docs clean

# $(call make-venv,FOLDER,WHAT): uv installs the same set several times faster; pip does it where uv cannot be had.
define make-venv
	$(PYTHON) -c 'import sys; assert (3, 10) <= sys.version_info[:2] <= (3, 13), f"needs Python 3.10 to 3.13; got {sys.version.split()[0]}. Call make PYTHON=python3.12"'
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet uv || true
	$(1)/bin/uv pip install --quiet --compile-bytecode --python $(1)/bin/python $(2) || $(1)/bin/python -m pip install $(2)
endef

install: $(VENV)/.installed

$(VENV)/.installed: $(LOCK) setup.cfg pyproject.toml
	$(call make-venv,$(VENV),--requirement $(LOCK) --editable .)
	touch $@

quickstart: install
	$(RUN) -m experiments quickstart

test: install
	$(call PYTEST,$(VENV))

# What differs most between versions of Python and PyAV: reading media, a preparation, and the job as a whole.
test-media: install
	$(call PYTEST,$(VENV)) tests/media tests/smoke/test_quickstart.py

test-latest:
	$(call make-venv,$(LATEST),--upgrade --editable '.[test]')
	$(call PYTEST,$(LATEST))

# One file for Python 3.10 to 3.13 and every platform; it names no registry. requirements/held.txt says what is held back.
lock: install
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.10 --upgrade --no-annotate --no-emit-index-url \
		--custom-compile-command 'make lock' --extra test --extra lint --constraint requirements/held.txt \
		--output-file $(LOCK) setup.cfg

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

# What takes minutes in all on two cores; each stops with an error where it misses a limit. benchmarks/README.md has the rest.
bench: install
	$(RUN) -m benchmarks.metrics
	$(RUN) -m benchmarks.statistics
	$(RUN) -m benchmarks.fuzz_prepare --files 300
	$(RUN) -m benchmarks.fuzz_artefacts --tries 100
	ONEDNN_MAX_CPU_ISA=AVX2 $(RUN) -m benchmarks.encoders --precisions float32

# Executes the notebook anew, on generated copies of all corpora, and keeps its outputs.
notebook: install
	OMP_NUM_THREADS=1 $(RUN) -m experiments.notebooks.refresh

# Opens the notebook in a browser; JupyterLab is installed on the first call, and shows the pages kept in a notebook that is trusted.
jupyter: install
	$(RUN) -c 'import jupyterlab' 2>/dev/null || $(VENV)/bin/uv pip install --quiet --python $(RUN) --editable '.[notebook]' || $(RUN) -m pip install --editable '.[notebook]'
	$(RUN) -m jupyter trust experiments/notebooks/all_datasets.ipynb
	$(RUN) -m jupyterlab experiments/notebooks/all_datasets.ipynb

# The reference of every module from its docstrings, without network; Sphinx is installed on the first call.
docs: install
	$(RUN) -c 'import sphinx' 2>/dev/null || $(VENV)/bin/uv pip install --quiet --python $(RUN) --editable '.[docs]' || $(RUN) -m pip install --editable '.[docs]'
	rm -rf docs/reference/modules build/reference
	$(RUN) -m sphinx -q -W --keep-going docs/reference build/reference
	@echo build/reference/index.html

clean:
	rm -rf $(VENV) $(LATEST) .venv-3.* quickstart notebook-work
