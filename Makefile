# make app    set up what is missing and open the workbench
# make test   everything that must hold: lint, types, tests, a real browser
# make check  lint and types alone
# make bench  the speed promises, as a table of ratios
#
# Another Python: make PYTHON=/path/to/python3.12 app

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What a shell has set for its own Python programs must not reach ours.
unexport PYTHONHOME PYTHONPATH PYTHONWARNINGS PYTHONOPTIMIZE

# A stamp is written last, so an interrupted step leaves none and is done again. What an interrupted
# pip leaves cannot be trusted, even by pip: the mark of one makes the environment anew.
BUSY := $(VENV)/.busy
MADE := $(VENV)/.made
APP := $(VENV)/.app
TEST := $(VENV)/.test
BENCH := $(VENV)/.bench

.PHONY: app test check bench browser anew
.DELETE_ON_ERROR:

app: $(APP)
	$(BIN)/python -m streamlit run app.py

test: check browser
	$(BIN)/python -m pytest -n 2

check: $(TEST)
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

bench: $(BENCH) browser
	$(BIN)/python -m benchmarks

$(MADE): $(if $(wildcard $(BUSY)),anew)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "LayerLab needs Python 3.11 or newer; $(PYTHON) is" \
	    "$$({ $(PYTHON) --version 2>&1 || echo missing; } | tail -n 1)." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

# pip installs what pyproject.toml asks for, at the versions of constraints.txt.
# The project itself is not installed: everything runs from this folder.
define install
	touch $(BUSY)
	$(BIN)/python -c 'import tomllib; \
	  project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*project$(1), sep="\n")' > $@.txt
	$(BIN)/python -m pip install -r $@.txt -c constraints.txt
	rm $(BUSY)
	touch $@
endef

$(APP): pyproject.toml constraints.txt $(MADE)
	$(call install,["dependencies"])

$(TEST): pyproject.toml constraints.txt $(APP)
	$(call install,["optional-dependencies"]["test"])

$(BENCH): pyproject.toml constraints.txt $(TEST)
	$(call install,["optional-dependencies"]["bench"])

# The browser of this machine, else the distribution's, else Playwright's own.
find_browser = $(BIN)/python tests/browser/chromium.py
browser: $(TEST)
	@$(find_browser) \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update \
	       && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium && $(find_browser); } \
	  || { $(BIN)/python -m playwright install chromium && $(find_browser); } \
	  || { echo "No browser for the tests: install Chromium or Chrome, then run make again." >&2; \
	       exit 1; }
