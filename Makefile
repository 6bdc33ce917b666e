# Two commands on a fresh machine with git, make and Python >= 3.11:
#   make demo   sets up and runs the main job on the fixtures
#   make test   sets up and runs all tests, ruff and mypy
# Others: make fuzz, make bench, make fixtures, make docs, make picture, make messages, make clean.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

EXAMPLES := 20000
FUZZED := tests/exchange/test_fuzz.py tests/faults/test_fuzz_command_line.py

.PHONY: demo test fuzz lint bench fixtures docs picture messages clean

# Installed anew when what is to be installed has changed.
$(VENV)/installed: pyproject.toml hashmatch/version.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hashmatch needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,cluster]'
	@# Judges that are compiled from source; where that cannot be, their tests skip and say so. Editable here, too: else a
	@# copy of the package would take the place of the one that is tested.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[judge]' || \
		echo "pdqhash could not be built here; the tests that compare with Meta's tools will be skipped"
	touch $@

demo: $(VENV)/installed
	@rm -rf $(DEMO) && mkdir $(DEMO)
	$(BIN)/hashmatch --db $(DEMO)/reference.db index fixtures/archive --collection archive --label demo --tlp green
	$(BIN)/hashmatch --db $(DEMO)/reference.db index fixtures/allowed --collection news --allow --tlp clear
	@# 1 is scan's exit code for "something matched", which is what a demo is for.
	$(BIN)/hashmatch --db $(DEMO)/reference.db scan fixtures/uploads || test $$? -eq 1
	$(BIN)/hashmatch --db $(DEMO)/reference.db export -o $(DEMO)/hashes.jsonl
	@echo "The list to share is $(DEMO)/hashes.jsonl; the reference set is $(DEMO)/reference.db."

test: lint
	$(BIN)/python -m pytest -n auto

# The same properties as in the tests, for longer: an hour or so, anew each time.
fuzz: $(VENV)/installed-tests
	HASHMATCH_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n auto --timeout=0 $(FUZZED)

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

docs: $(VENV)/installed
	$(BIN)/python -m docs.make_cli_reference

# The picture of the README. Needs Debian's chromium.
picture: $(VENV)/installed-tests
	$(BIN)/python -m docs.make_picture

messages: $(VENV)/installed-tests
	$(BIN)/python -m docs.make_messages

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
