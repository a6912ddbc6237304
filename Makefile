# make lab    set up, fetch MNIST, open JupyterLab on lesson 0
# make test   set up, fetch MNIST, run every notebook and every quick test
# make browser  set up, open and run every lesson in Chromium (some minutes)
# make form   write the setup cell and the folds into every notebook
# make run    the same, then execute the notebooks in place, to be committed
# make book   build the course's web site in build/book, from the notebooks
# make student  copy the lessons without answers and outputs to build/student
# make bench  time the lessons against other tools (an hour)
# make lock   renew requirements.lock after a change of a requirements.txt
# make colab  run each lesson alone, on the packages that Colab has
# make versions  make test on the oldest and on the newest packages (long)
# make badges REPO=owner/name  let the lessons open on Colab and Binder
# make repeat N=10  run each notebook ten times: do its numbers stay the same?

VENV = .venv
BENCH_VENV = .venv-bench
BOOK_VENV = .venv-book
LIST = requirements.lock
PYTHONS = python3.13 python3.12 python3.11 python3 python
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup data lab test browser form run book student bench repeat \
  lock colab versions badges
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

lab: data
	@echo "JupyterLab opens in your browser; if not, open the address below."
	@echo "To end it, press Ctrl+C twice here."
	@$(VENV)/bin/python -m jupyterlab --log-level=WARN \
	  --LabApp.default_url=/lab/tree/notebooks/00_whole_game.ipynb \
	  $$([ "$$(id -u)" != 0 ] || echo --allow-root)

# the lessons first: the tests read what they saved; but before them the
# exercises, the longest file, which need nothing of it
test: data
	$(VENV)/bin/python -m pytest -n auto --dist loadscope --no-loadscope-reorder \
	  tests/test_exercises.py notebooks
	$(VENV)/bin/python -m pytest -n auto --dist loadscope --no-loadscope-reorder \
	  --ignore-glob='notebooks/*' --ignore=tests/test_jupyterlab.py \
	  --ignore=tests/test_exercises.py

browser: data
	$(VENV)/bin/python -m pytest -m browser tests

form: setup
	$(VENV)/bin/python tools/form.py

run: data form
	$(VENV)/bin/python -m nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False $(NOTEBOOKS)
	@$(VENV)/bin/python tools/form.py

repeat: data
	$(VENV)/bin/python tests/repeat.py $(or $(N),10) $(LESSONS)

book:
	@$(MAKE) --no-print-directory setup VENV=$(BOOK_VENV) \
	  LIST=book/requirements.lock
	rm -rf build/source build/doctrees build/book
	mkdir -p build/source
	PYTHONPATH=tools $(BOOK_VENV)/bin/python book/sources.py build/source
	$(BOOK_VENV)/bin/python -m sphinx -qW --keep-going -c book \
	  -d build/doctrees build/source build/book
	cp notebooks/*.ipynb build/book/_sources # as they are, to be downloaded
	@echo "Open build/book/index.html."

student: setup
	rm -rf build/student
	$(VENV)/bin/python -m nbconvert --to notebook --output-dir build/student \
	  --ClearOutputPreprocessor.enabled=True \
	  --TagRemovePreprocessor.enabled=True \
	  --TagRemovePreprocessor.remove_cell_tags=solution $(NOTEBOOKS)

lock:
	python3 -m venv --clear build/lock
	build/lock/bin/python -m pip install -q uv==0.13.9
	for list in requirements book/requirements; do \
	  build/lock/bin/uv pip compile -q --universal --python-version 3.11 \
	    --upgrade --generate-hashes --only-binary :all: --no-annotate \
	    --custom-compile-command "make lock" \
	    -o $$list.lock $$list.txt || exit; \
	done

colab:
	$(MAKE) data VENV=.venv-colab LIST=tests/colab/requirements.txt
	.venv-colab/bin/python -m pytest tests/colab/alone.py

versions: export PYTEST_ADDOPTS = --nbval-lax
versions:
	$(MAKE) test VENV=.venv-oldest LIST=tests/versions/oldest.txt \
	  PYTHONS="python3.11 python3.12"
	$(MAKE) test VENV=.venv-newest LIST=tests/versions/newest.txt \
	  PYTHONS="python3.13 python3.12"

badges: setup
	$(VENV)/bin/python tools/badges.py $(REPO) $(BRANCH)

bench: data
	@list=benchmarks/requirements.txt; python=$(BENCH_VENV)/bin/python; \
	cat requirements.txt $$list | cmp -s - $(BENCH_VENV)/installed.txt || { \
	  $(VENV)/bin/python -m venv --clear $(BENCH_VENV) || exit; \
	  for peer in $$(sed 's/#.*//' $$list); do \
	    $$python -m pip install --disable-pip-version-check --compile \
	      -r requirements.txt $$peer || echo "Left out: $$peer"; \
	  done; \
	  cat requirements.txt $$list > $(BENCH_VENV)/installed.txt; }; \
	$$python benchmarks/bench.py $(BENCH)

data: setup
	@$(VENV)/bin/python data/get_mnist.py $(if $(SAMPLE),--sample)

setup:
	@cmp -s $(LIST) $(VENV)/installed.txt && exit; \
	for python in $(PYTHONS); do \
	  $$python -c 'import sys; exit(not (3, 11) <= sys.version_info < (3, 14))' \
	    2>/dev/null && break; python=; \
	done; \
	stop() { echo "$$1" >&2; exit 1; }; \
	[ "$$python" ] || stop "Python 3.11, 3.12 or 3.13 is needed and was not\
	 found: install one from python.org, then run this again."; \
	[ "$$(df -Pk . | awk 'NR == 2 {print $$4}')" -gt 4000000 ] || stop "The\
	 disk is too full: the packages need 4 GB here, then run this again."; \
	echo "Making $(VENV) with $$($$python --version) ..."; \
	$$python -m venv --clear $(VENV) || stop "Python cannot make $(VENV):\
	 on Debian and Ubuntu, install python3-venv, then run this again."; \
	echo "Installing the packages (some minutes, the first time only) ..."; \
	$(VENV)/bin/python -m pip install --log $(VENV)/pip.log \
	  --disable-pip-version-check --compile \
	  $(if $(filter %.lock,$(LIST)),--require-hashes) -r $(LIST) || \
	if grep -q 'No space left' $(VENV)/pip.log; then stop "The disk is full:\
	 the packages need 4 GB here, then run this again."; \
	else stop "The packages could not be installed, most often because no\
	 package index is in reach: check the network, then run this again."; fi; \
	$(VENV)/bin/jupyter labextension disable --level=sys_prefix \
	  @jupyterlab/apputils-extension:announcements 2>/dev/null; \
	cp $(LIST) $(VENV)/installed.txt
