#!/usr/bin/env bash
# The second half of 'make help': the settings, which dev/vm.sh and dev/kernel.sh explain.
cat <<'TXT'

Settings (make vm CMD='uname -a' VTIME=1):
  CONFIG=release|bench|debug|kcsan  which kernel; STOCK=1  without the series
  KSRC=TREE|TARBALL     kernel source         BASE=7.3     kernel version
  MEM=4G CPUS=2 NUMA=2  size of the guest     TIMEOUT=S    by the clock; 0: none
  VTIME=1               virtual time; CPUS=1  PROFILE=paper|fast|none  the guest's SSD
  SSD=IMAGE SSD_GB=2    what is on the SSD    ROOT=DIR     another user space
  NOBUILD=1             the kernel as it is   APPEND='…'   more kernel command line
  ROUNDS=3              how often make run and make bench measure each thing
  CONTROL=0             make run without the unpatched kernel
  TESTS='ppc_*'         which programs make test runs; ALL=1: what it leaves out, too
  CASES='1 3'           which of make cases (all); quick: those of CI, which must hold
  CLOCK=virtual|real    the clock of make test
  FUZZ=S                seconds of each fuzzer in make logic and make test; 0: none
  ONLY=TEXT SURVIVORS=1 make mutate of some mutants; of those that survived last time
  HOURS=1 SEED=N THREADS=6  how long make soak fuzzes, and what it chooses
  XFSTESTS=DIR FSTYP=ext4 GROUP=quick  what make xfstests runs, on which file system
  QUICK=1 CELLS='…'     which measurements of make bench (CELLS=list); COMPARE=results.json, JOBS=2
  CLOCK=real DEVICE=DIR make bench in real time on a real SSD, where KVM works
  PPC_CACHE=DIR         where sources, kernels and the guest's root are kept
TXT
