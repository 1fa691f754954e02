# Everything is done by dev/; see 'make help'. Settings (CONFIG=, STOCK=, KSRC=, VTIME=, …) are
# handed on by make's own export of command line variables.

MAKEFLAGS += --no-print-directory
# Not expanded by make: a command may have dollar signs of its own.
override CMD := $(value CMD)
export CMD CONFIG STOCK KSRC BASE MEM CPUS NUMA SSD SSD_GB ROOT VTIME PROFILE TIMEOUT NOBUILD APPEND FULL CACHE PPC_CACHE \
	ROUNDS QUICK CELLS CASES JOBS COMPARE CONTROL TESTS FUZZ ONLY SURVIVORS HOURS SEED THREADS XFSTESTS FSTYP GROUP SIGNOFF

.PHONY: help run bench cases test logic kunit mutate vng cover kernel shell vm check check-ci series clean soak xfstests

help:	## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@dev/help.sh

run:	## load a real model on stock policy and through MAIO; table and out/run.json
	@dev/run.sh

bench:	## measure MAIO beside its rivals; table and out/bench/ (QUICK=1: some minutes)
	@dev/bench.sh

cases:	## loads from users' reports that MAIO must not make worse; table and out/cases/ (CASES='1 3')
	@dev/cases.sh

test:	## KUnit, kselftests and boot tests in the guest, on the debug kernel
	@dev/test.sh

soak:	## fuzz the ioctls for HOURS=1 in the guest, CONFIG=debug or kcsan (SEED=N to repeat)
	@dev/soak.sh

vng:	## the selftests in virtme-ng, as a kernel builder runs them (TESTS='ppc_input …')
	@dev/vng.sh

cover:	## which lines the tests in the guest reach (gcov), by file
	@dev/cover.sh

logic:	## the pure logic in user space: KUnit with sanitizers, and fuzzers for FUZZ=30 seconds each
	@dev/logic.sh

kunit:	## KUnit by kunit.py under UML: fs/ppc and samples/ppc_maio
	@dev/kunit-uml.sh

mutate:	## mutants of the pure logic that no test notices (some minutes)
	@dev/mutate.sh

xfstests:	## XFSTESTS=DIR without and with policies that come and go at random (FSTYP=ext4 GROUP=quick)
	@dev/xfstests.sh

kernel:	## build the patched kernel (STOCK=1: without the series)
	@dev/setup.sh && dev/kernel.sh

shell:	## an interactive guest
	@dev/vm.sh shell

vm:	## run CMD='…' as root in the guest; out/vm here is /out there
	@dev/vm.sh

check:	## static checks of our lines, and the size of what we add to existing files (MATRIX=1: more machines)
	@dev/check.sh

check-ci:	## break things on purpose, and see the run turn red (GUESTS=0: without guests)
	@dev/check-ci.sh

series:	## out/series: numbered mails with a cover letter for git am (FULL=1: whole kernels)
	@dev/series.sh

clean:	## remove out/ (CACHE=1: the cache folder too)
	@dev/clean.sh
