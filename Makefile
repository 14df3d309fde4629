# Sets dr_grasp up in .venv, on a machine without ROS, and runs it there. Needs Python 3.10 to
# 3.13 with venv and headers, a C++ compiler and make. With ROS, build with colcon instead.
#
# PYTHON=...  the Python to set up with, instead of the first that fits
# ARGS=...    more arguments for the program that a target runs

VENV := .venv
# What is done is remembered by place: a copied or moved .venv still calls the old one's files.
PLACE := $(shell printf %s "$(CURDIR)" | cksum | cut -d ' ' -f 1)
STAMPS := $(VENV)/stamps-$(PLACE)
LOG := $(VENV)/setup.log
PIP = $(VENV)/bin/python -m pip install --disable-pip-version-check --no-input

# Nothing of another installation of Python or ROS leaks in: the wheels bring a whole ROS. Only
# a robot PC is set up with the ROS that is there.
ifeq ($(filter robot-pc,$(MAKECMDGOALS)),)
unexport PYTHONPATH PYTHONHOME RMW_IMPLEMENTATION
ifneq ($(AMENT_PREFIX_PATH)$(_ROS_WHEELS_BOOTSTRAP_COMPLETE),)
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE
endif
endif
# Our nodes find each other on this machine, and nobody else's robot.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST

.PHONY: help demo test test-noble check docs pages bench soak transfer loop lint clean setup robot-pc FORCE
.DELETE_ON_ERROR:

help:
	@echo "make demo   generate, score, rank, execute and record grasps; leaves results in demo/"
	@echo "make test   run all tests"
	@echo "make test-noble  run the tests without ROS under the versions that Ubuntu 24.04 brings"
	@echo "make check  run ruff, mypy, the import contract, and the tests without physics and ROS"
	@echo "make docs   build the site in build/docs; a warning is an error"
	@echo "make pages  run every command of README and tutorials, in fresh clones; takes an hour"
	@echo "make bench  run the benchmarks"
	@echo "make soak   kill nodes, workers and runs at random, mutate files; takes an hour"
	@echo "make transfer  hold the labels against the twin; takes hours, leaves results in transfer/"
	@echo "make loop   identify hidden laboratories, and label anew; takes hours, leaves results in loop/"
	@echo "make lint   run ruff, mypy and the import contract"
	@echo "make robot-pc  set up with ROS 2 Jazzy on Ubuntu 24.04, and build with colcon"
	@echo "make clean  remove .venv and what building left (demo/ stays)"

demo: $(STAMPS)/package
	@$(VENV)/bin/dr-grasp demo $(ARGS)

# Files of tests are shared out to two processes, each file to one of them.
test: $(STAMPS)/package $(STAMPS)/test
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

check: lint
	@$(VENV)/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow and not ros and not soak" $(ARGS)

docs: $(STAMPS)/package $(STAMPS)/docs
	@$(VENV)/bin/python -c "import sphinx" 2>/dev/null \
	  || { echo "make docs needs Python 3.11 or later: make docs PYTHON=..." >&2; exit 1; }
	@$(VENV)/bin/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs build/docs $(ARGS)
	@echo "the site is in build/docs/index.html"

bench: $(STAMPS)/package
	@set -e; for file in benchmarks/bench_*.py; do \
	  [ -f "$$file" ] || continue; echo "== $$file"; $(VENV)/bin/python "$$file" $(ARGS); \
	done

# Those commands of a page that take minutes, such as `make demo`, are left out by `make test`.
pages: $(STAMPS)/package $(STAMPS)/test
	@$(VENV)/bin/python -m pytest -m soak test/docs/test_pages.py $(ARGS)

# SOAK=1 does each kind of kill once or twice: some minutes.
SOAK := 20
soak: $(STAMPS)/package $(STAMPS)/test
	@rm -f soak.json
	@DR_GRASP_SOAK=$(SOAK) DR_GRASP_SOAK_FIGURES=$(CURDIR)/soak.json \
	  $(VENV)/bin/python -m pytest -m soak test/soak $(ARGS); status=$$?; \
	  $(VENV)/bin/python test/soak/show_figures.py soak.json; exit $$status

transfer: $(STAMPS)/package $(STAMPS)/test
	@$(VENV)/bin/python benchmarks/transfer.py $(ARGS)

loop: $(STAMPS)/package $(STAMPS)/test
	@$(VENV)/bin/python benchmarks/loop.py $(ARGS)

lint: $(STAMPS)/package $(STAMPS)/test
	@$(VENV)/bin/python -m ruff check .
	@$(VENV)/bin/python -m ruff format --check .
	@$(VENV)/bin/python -m mypy
	@$(VENV)/bin/lint-imports --no-logo --no-cache

# WS=... the colcon workspace, where it is not the folder above src/; some shells hand on its ~
robot-pc:
	@scripts/robot_pc "$(WS:~/%=$(HOME)/%)" $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMPS)/package

# $(call step,what it does,command,what to do if it fails): one line, and the log's end on failure.
define step
@echo "setting up: $(1)"
@{ $(2); } >$(LOG) 2>&1 || { tail -n 20 $(LOG) >&2; echo "set-up failed: $(3)" >&2; exit 1; }
@touch $@
endef

NO_COMPILER := no C++ compiler: install one (Debian: apt install g++), then run make again
NETWORK = see above and $(LOG); check that pip reaches a package index; then run make again

# Only a PYTHON that somebody named is compared to the one .venv was made with.
ifneq ($(PYTHON),)
ifneq ($(PYTHON),$(shell cat $(STAMPS)/venv 2>/dev/null))
$(STAMPS)/venv: FORCE
endif
endif

$(STAMPS)/venv:
	$(eval found := $(shell scripts/find_python $(PYTHON) 2>&1))
	$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(found)))
	$(if $(shell command -v "$${CXX:-c++}"),,$(error $(NO_COMPILER)))
	@echo "setting up: $(VENV) with $(found)"
	@rm -rf $(VENV)
	@$(found) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@echo "$(found)" >$@

# $(call pybullet,environment,constraints): says by itself if it has to build.
define pybullet
@scripts/install_pybullet $(1)/bin/python $(2) $(LOG) || \
  { tail -n 20 $(LOG) >&2; echo "set-up failed: $(NETWORK)" >&2; exit 1; }
@touch $@
endef

$(STAMPS)/pybullet: requirements/base.txt scripts/install_pybullet $(STAMPS)/venv
	$(call pybullet,$(VENV),requirements/base.txt)

$(STAMPS)/requirements: requirements/base.txt requirements/ros.txt $(STAMPS)/pybullet
	$(call step,the pinned packages of requirements/ (a minute or two),\
	  $(PIP) -r requirements/base.txt -r requirements/ros.txt,$(NETWORK))

INTERFACES := $(shell find dr_grasp_interfaces -type f -not -path '*/.*')

$(STAMPS)/interfaces: $(INTERFACES) $(STAMPS)/requirements
	$(call step,the messages in dr_grasp_interfaces (a minute or two of compiling),\
	  $(PIP) --no-deps --force-reinstall ./dr_grasp_interfaces,$(NETWORK))

# Editable: what is changed here runs at once. Made anew when what it installs beside code changes.
$(STAMPS)/package: setup.py package.xml $(wildcard scripts/* launch/* config/*/* urdf/*) $(STAMPS)/interfaces
	$(call step,dr_grasp itself,$(PIP) --no-deps --no-build-isolation -e .,see above and $(LOG))

# After the package, and one after the other, since two pips at once would get in each other's way
# under -j.
$(STAMPS)/docs: requirements/docs.txt $(STAMPS)/requirements | $(STAMPS)/package
	$(call step,what the site is built with,$(PIP) -r requirements/docs.txt,$(NETWORK))

MESSAGES := $(shell find test/message_packages -type f -not -name '*.py*' -not -name NOTICE -not -path '*/.*')

$(STAMPS)/messages: $(MESSAGES) dr_grasp_interfaces/cmake/wheel.cmake $(STAMPS)/requirements | $(STAMPS)/docs
	$(call step,messages of MoveIt and controllers for the tests (a minute or two of compiling),\
	  $(PIP) --no-deps --force-reinstall ./test/message_packages,$(NETWORK))

$(STAMPS)/test: requirements/test.txt requirements/cluster.txt requirements/gpu.txt requirements/twin.txt requirements/mujoco_next.txt $(STAMPS)/requirements $(STAMPS)/docs $(STAMPS)/messages
	$(call step,what the tests need,\
	  $(PIP) -r requirements/test.txt -r requirements/cluster.txt -r requirements/gpu.txt \
	    -r requirements/twin.txt,$(NETWORK))
	$(call step,the newest MuJoCo beside it,\
	  $(PIP) --no-deps --upgrade --target $(VENV)/mujoco_next -r requirements/mujoco_next.txt,$(NETWORK))

# What Ubuntu 24.04 brings with apt, from pip, in an environment of its own. Its Python first: for
# 3.13 these versions have no wheels. Pinocchio is left out, which needs NumPy 2, and so are the
# house rules, which are about the source and need ruff, mypy and import-linter. Of ROS there is only
# what xacro asks for the places of packages.
NOBLE := build/noble
NOBLE_STAMPS := $(NOBLE)/stamps-$(PLACE)
NOBLE_PINS := $(patsubst %,requirements/%.txt,noble cluster gpu test)
NOBLE_PIP = $(NOBLE)/bin/python -m pip install --disable-pip-version-check --no-input
$(NOBLE_STAMPS)/%: LOG := $(NOBLE)/setup.log

test-noble: $(NOBLE_STAMPS)/package
	@$(NOBLE)/bin/python -m pytest -n 2 --dist loadfile -m "not ros and not soak" \
	  --ignore test/test_house_rules.py $(ARGS)

# As for .venv: a Python that somebody names is the one that is used.
ifneq ($(PYTHON),)
ifneq ($(PYTHON),$(shell cat $(NOBLE_STAMPS)/venv 2>/dev/null))
$(NOBLE_STAMPS)/venv: FORCE
endif
endif

$(NOBLE_STAMPS)/venv:
	$(eval found := $(shell scripts/find_python "$(or $(PYTHON),python3.12 python3.11 python3.10)" 2>&1))
	$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(found)))
	@echo "setting up: $(NOBLE) with $(found)"
	@rm -rf $(NOBLE)
	@$(found) -m venv $(NOBLE)
	@mkdir -p $(NOBLE_STAMPS)
	@echo "$(found)" >$@

$(NOBLE_STAMPS)/pybullet: requirements/noble.txt scripts/install_pybullet $(NOBLE_STAMPS)/venv
	$(call pybullet,$(NOBLE),requirements/noble.txt)

$(NOBLE_STAMPS)/package: setup.py package.xml $(NOBLE_PINS) $(NOBLE_STAMPS)/pybullet
	$(call step,dr_grasp and the tests with the versions of Ubuntu 24.04 (a minute or two),\
	  $(NOBLE_PIP) $(NOBLE_PINS:%=-c %) -e . distributed hypothesis pytest pytest-xdist setuptools \
    $(shell grep ^ros-ament-index-python requirements/ros.txt),$(NETWORK))
