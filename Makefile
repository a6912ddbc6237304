# make lab    set up, fetch MNIST, open JupyterLab on lesson 0
# make dev    set up and fetch MNIST for those who change the course
# make test   the same, then run every notebook and every quick test
# make test-all  the same with what is long and rare, and every lesson in a browser
# make form   write into every notebook what lessons share, and its folds
# make run    the same, then execute the notebooks in place, to be committed
# make page   make page/digit_reader.html anew, by a run of lesson 9
# make book   build the course's web site in build/book, from the notebooks
# make student  copy the lessons without answers and outputs to build/student
# make bench  time the lessons against other tools (about 40 minutes)
# make ocr    give lesson 10's exam to free OCR tools (about 15 minutes)
# make speed  does lesson 9's page follow a pen and a camera? (on a quiet machine)
# make lock   renew the locks after a change of a requirements.txt
# make colab  run each lesson alone, on the packages that Colab has
# make versions  make test on the oldest and on the newest packages (long)
# make badges REPO=owner/name  let the lessons open on Colab and in Codespaces
# make repeat N=10  run each notebook ten times: do its numbers stay the same?

PYTHON = python3
VENV = .venv
LISTS = requirements.lock
UV = build/uv/bin/uv
COMPILE = $(UV) pip compile -q --only-binary :all: --no-annotate
PYTEST = $(VENV)/bin/python -m pytest -n auto --dist loadscope --no-loadscope-reorder
EXECUTE = $(VENV)/bin/python -m nbconvert --to notebook --execute \
  --ExecutePreprocessor.record_timing=False
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup data lab dev test test-all form run page book student bench \
  ocr speed repeat lock colab versions badges
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

lab: data
	@echo "JupyterLab opens in your browser; if not, open the address below."
	@echo "To end it, press Ctrl+C twice here."
	@$(VENV)/bin/python -m jupyterlab --log-level=WARN \
	  --LabApp.default_url=/lab/tree/notebooks/00_whole_game.ipynb \
	  $$([ "$$(id -u)" != 0 ] || echo --allow-root)

dev test: LISTS += tests/requirements.lock

dev: data
	@echo "To run one file of tests:"
	@echo "  $(VENV)/bin/python -m pytest tests/test_glossary.py"

# the lessons first: the tests read what they saved
test: data
	$(PYTEST) tests/test_exercises.py notebooks
	$(PYTEST) tests --ignore=tests/test_exercises.py

test-all: export PYTEST_ADDOPTS += -m ""
test-all: test

form: setup
	$(VENV)/bin/python tools/form.py

run: data form
	$(EXECUTE) --inplace $(NOTEBOOKS)
	@$(VENV)/bin/python tools/form.py

page: data/digit_reader.keras
	$(MAKE) run NOTEBOOKS=notebooks/09_ship_it.ipynb
	cp data/digit_reader.html page/

data/digit_reader.keras: | data
	@echo "There is no $@: lesson 6 makes it, in some minutes."
	$(EXECUTE) --output-dir build notebooks/06_convolutional_network.ipynb

repeat: data
	$(VENV)/bin/python tests/repeat.py $(or $(N),10) $(LESSONS)

book: VENV = .venv-book
book: LISTS = book/requirements.lock
book: setup
	rm -rf build/source build/doctrees build/book
	mkdir -p build/source
	PYTHONPATH=tools $(VENV)/bin/python book/sources.py build/source
	$(VENV)/bin/python -m sphinx -qW --keep-going -c book \
	  -d build/doctrees build/source build/book
	cp notebooks/*.ipynb build/book/_sources # as they are, to be downloaded
	@echo "Open build/book/index.html."

student: setup
	rm -rf build/student
	$(VENV)/bin/python -m nbconvert --to notebook --output-dir build/student \
	  --ClearOutputPreprocessor.enabled=True \
	  --TagRemovePreprocessor.enabled=True \
	  --TagRemovePreprocessor.remove_cell_tags=solution $(NOTEBOOKS)

lock: $(UV)
	for list in requirements tests/requirements book/requirements; do \
	  [ $$list = requirements ] || base="-c requirements.lock"; \
	  $(COMPILE) --universal --python-version 3.11 --upgrade \
	    --generate-hashes --custom-compile-command "make lock" $$base \
	    -o $$list.lock $$list.txt || exit; \
	done

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install -q uv==0.13.9

colab:
	$(MAKE) data VENV=.venv-colab LISTS=tests/colab/requirements.txt
	.venv-colab/bin/python -m pytest tests/colab/alone.py

versions: export PYTEST_ADDOPTS = --nbval-lax
versions: $(UV)
	for end in lowest-direct highest; do \
	  $(COMPILE) --generate-hashes --resolution $$end -o build/$$end.lock \
	    requirements.txt tests/requirements.txt && \
	  $(MAKE) test VENV=.venv-$$end LISTS=build/$$end.lock || exit; \
	done

badges: setup
	$(VENV)/bin/python tools/badges.py $(REPO) $(BRANCH)
	@$(VENV)/bin/python tools/form.py # lesson 9 holds the reader's template

bench: VENV = .venv-bench
bench: LISTS += benchmarks/requirements.txt
bench: data
	$(VENV)/bin/python benchmarks/bench.py $(BENCH)

ocr: VENV = .venv-ocr
ocr: LISTS += benchmarks/ocr-requirements.txt
ocr: data
	$(VENV)/bin/python benchmarks/ocr.py

speed: LISTS += tests/requirements.lock
speed: setup
	for script in draw camera; do \
	  TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=tools \
	    $(VENV)/bin/python tests/$${script}_speed.py || failed=1; \
	done; exit $${failed-0}

data: setup
	@$(if $(SAMPLE),,$(VENV)/bin/python data/get_mnist.py)

setup:
	@$(PYTHON) tools/install.py $(VENV) $(LISTS)
