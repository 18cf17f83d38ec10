# Everything runs in .venv; `make demo`, `make serve` and `make test` make it themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Many processes take part; where the environment forbids it to keep compiled files, each would compile everything anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo demo-once serve test lint lock clean

$(VENV)/runtime: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Tieout needs Python 3.11 or newer; say which one: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

demo: $(VENV)/runtime
	@$(BIN)/python manage.py demo $(ARGS)

demo-once: $(VENV)/runtime
	@$(BIN)/python manage.py demo --once $(ARGS)

serve: $(VENV)/runtime
	@$(BIN)/python manage.py serve $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

# Many tests wait for processes of their own, so three workers keep two cores busy. They get one test at a time, the
# longest first, and end together.
test: lint
	$(BIN)/pytest -n 3 --maxschedchunk=1 $(ARGS)

lock: $(VENV)/dev
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --group dev -o requirements-dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --extra sqs -c requirements.txt -o requirements-sqs.txt

clean:
	rm -rf $(VENV) var
