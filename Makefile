# make lab    set up, fetch MNIST, open JupyterLab on lesson 1
# make test   set up, fetch MNIST, run every notebook and every test
# make run    execute the notebooks in place, as they are committed
# make student  copy the lessons without answers and outputs to build/student
# make repeat N=10  run each notebook ten times: do its numbers stay the same?

VENV = .venv
PYTHONS = python3.13 python3.12 python3.11 python3 python
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup data lab test run student repeat
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

lab: data
	@echo "JupyterLab opens in your browser; if not, open the address below."
	@echo "To end it, press Ctrl+C twice here."
	@$(VENV)/bin/python -m jupyterlab --log-level=WARN \
	  --LabApp.default_url=/lab/tree/notebooks/01_explore_data.ipynb \
	  $$([ "$$(id -u)" != 0 ] || echo --allow-root)

test: data
	$(VENV)/bin/python -m pytest

run: data
	$(VENV)/bin/python -m nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False \
	  --ExecutePreprocessor.coalesce_streams=True $(NOTEBOOKS)

repeat: data
	$(VENV)/bin/python tests/repeat.py $(or $(N),10) $(LESSONS)

student: setup
	rm -rf build/student
	$(VENV)/bin/python -m nbconvert --to notebook --output-dir build/student \
	  --ClearOutputPreprocessor.enabled=True \
	  --TagRemovePreprocessor.enabled=True \
	  --TagRemovePreprocessor.remove_cell_tags=solution $(NOTEBOOKS)

data: setup
	@$(VENV)/bin/python data/get_mnist.py $(if $(SAMPLE),--sample)

setup:
	@cmp -s requirements.txt $(VENV)/installed.txt && exit; \
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
	  --disable-pip-version-check --compile -r requirements.txt || \
	if grep -q 'No space left' $(VENV)/pip.log; then stop "The disk is full:\
	 the packages need 4 GB here, then run this again."; \
	else stop "The packages could not be installed, most often because no\
	 package index is in reach: check the network, then run this again."; fi; \
	$(VENV)/bin/jupyter labextension disable --level=sys_prefix \
	  @jupyterlab/apputils-extension:announcements 2>/dev/null; \
	cp requirements.txt $(VENV)/installed.txt
