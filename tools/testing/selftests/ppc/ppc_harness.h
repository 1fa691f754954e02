/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kselftest harness, set up for tests of the page cache: file systems to
 * work on are made before the first test and unmade behind the last one.
 */
#ifndef _PPC_HARNESS_H
#define _PPC_HARNESS_H

#include "kselftest_harness.h"
#include "ppc_util.h"

/* Under software emulation with KASAN everything takes its time. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300

static inline int ppc_main(int argc, char **argv)
{
	ppc_env_begin(argv[0]);
	return test_harness_run(argc, argv);
}

#endif /* _PPC_HARNESS_H */
