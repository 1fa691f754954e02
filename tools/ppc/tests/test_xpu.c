// SPDX-License-Identifier: GPL-2.0
/*
 * XPUs: machines are made up, as files of sysfs and procfs in a directory.
 */
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"
#include "tap.h"

#define PCI	"/sys/bus/pci/devices/"
#define GPUS	"/proc/driver/nvidia/gpus/"
#define NODES	"/sys/class/kfd/kfd/topology/nodes/"

static char root[] = "/tmp/maioctl-xpu-XXXXXX";

static void must(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static char *make_path(const char *path)
{
	char *full = xasprintf("%s%s", root, path), *p;

	for (p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		must(!mkdir(full, 0755) || errno == EEXIST, full);
		*p = '/';
	}
	return full;
}

static void __printf(2, 3) put(const char *path, const char *fmt, ...)
{
	char *full = make_path(path);
	FILE *out = fopen(full, "we");
	va_list ap;

	must(out, full);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	must(!fclose(out), full);
	free(full);
}

/* An attribute of a PCI device. */
static void attr(const char *bdf, const char *name, const char *value)
{
	char *path = xasprintf(PCI "%s/%s", bdf, name);

	put(path, "%s\n", value);
	free(path);
}

static void device(const char *bdf, const char *vendor, const char *id,
		   const char *class, const char *driver, const char *node)
{
	char *link, *target = xasprintf("../../../bus/pci/drivers/%s", driver);

	attr(bdf, "vendor", vendor);
	attr(bdf, "device", id);
	attr(bdf, "class", class);
	attr(bdf, "numa_node", node);
	link = xasprintf("%s" PCI "%s/driver", root, bdf);
	if (*driver)
		must(!symlink(target, link), link);
	free(link);
	free(target);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

static void clear(void)
{
	must(!nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), root);
}

static int ask(const char *env, size_t len, struct xpu_choice *choice,
	       struct why *why)
{
	why->text[0] = '\0';
	return xpu_of_environ(env, len, choice, why);
}

#define ASK(env, choice, why)	ask(env, sizeof(env), choice, why)

#define USES(env, address, is_sure)					\
	do {								\
		struct xpu_choice c;					\
		struct why why;						\
		int ret = ASK(env, &c, &why);				\
									\
		tap_ok(!ret && !strcmp(c.xpu.bdf, address) &&		\
		       c.sure == (is_sure), "%s: %s%s (%s)", env,	\
		       ret ? "?" : c.sure ? "" : "perhaps ",		\
		       ret ? "?" : c.xpu.bdf, why.text);		\
	} while (0)

#define FAILS(env, result, word)					\
	do {								\
		struct xpu_choice c;					\
		struct why why;						\
		int ret = ASK(env, &c, &why);				\
									\
		tap_ok(ret == (result) && strstr(why.text, word),	\
		       "%s is %d: %s", env, ret, why.text);		\
	} while (0)

static void test_node(void)
{
	static const char *const bad[] = {
		"", "17", "17:00", "17:00.", "17:00.8", "17:20.0", "g7:00.0",
		"0000:17:00.0 ", " 17:00.0", "0x17:00.0", "000:17:00.0",
		"../17:00.0", "0000:17:00.0/..", "-1:00.0", "117:00.0",
	};
	struct why why;
	int node = 42;
	size_t i;

	tap_ok(xpu_node("17:00.0", &node, &why) && strstr(why.text, "no PCI"),
	       "no bus: %s", why.text);
	device("0000:17:00.0", "0x10de", "0x2330", "0x030200", "nvidia", "1");
	device("0000:ca:00.0", "0x10de", "0x2330", "0x030200", "nvidia", "-1");
	device("10000:01:00.0", "0x10de", "0x2330", "0x030200", "", "3");
	tap_ok(!xpu_node("0000:17:00.0", &node, &why) && node == 1, "a node");
	tap_ok(!xpu_node("17:00.0", &node, &why) && node == 1, "without domain");
	tap_ok(!xpu_node("00000000:CA:00.0", &node, &why) && node == -1,
	       "unknown node, address as NVIDIA writes it");
	tap_ok(!xpu_node("10000:01:00.0", &node, &why) && node == 3,
	       "large domain");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		why.text[0] = '\0';
		tap_ok(xpu_node(bad[i], &node, &why) == -1 &&
		       strstr(why.text, "not a PCI address"), "'%s': %s",
		       bad[i], why.text);
	}
	attr("0000:17:00.0", "numa_node", "one");
	tap_ok(xpu_node("17:00.0", &node, &why) == -1, "garbage: %s", why.text);
	attr("0000:17:00.0", "numa_node", "-7");
	tap_ok(xpu_node("17:00.0", &node, &why) == -1, "-7: %s", why.text);
	attr("0000:18:00.0", "vendor", "0x10de");
	node = 42;
	tap_ok(!xpu_node("18:00.0", &node, &why) && node == -1,
	       "a kernel without NUMA");
	put(PCI "0000:18:00.0/numa_node/x", " ");
	tap_ok(xpu_node("18:00.0", &node, &why) == -1, "unreadable: %s", why.text);
}

static void test_find(void)
{
	struct xpu_list list;
	struct why why;

	tap_ok(!xpu_find(&list, &why) && !list.nr, "no PCI bus, no XPU");
	FAILS("CUDA_VISIBLE_DEVICES=0", 1, "no variable");
	device("0000:e1:00.0", "0x1002", "0x74a1", "0x120000", "amdgpu", "1");
	device("0000:03:00.0", "0x1a03", "0x2000", "0x030000", "ast", "0");
	device("0000:07:00.0", "0x19e5", "0x1711", "0x030000", "hibmc", "0");
	device("0000:0a:00.0", "0x1ae0", "0x0063", "0x120000", "", "-1");
	device("0000:0b:00.0", "0x10de", "0x22a3", "0x068000", "nvidia", "0");
	device("0000:17:00.0", "0x10de", "0x2330", "0x030200", "nvidia", "0");
	device("10000:01:00.0", "0x8086", "0x0bda", "0x038000", "xe", "0");
	attr("0000:0c:00.0", "vendor", "0x10de");
	put(PCI "rubbish", " ");
	tap_ok(!xpu_find(&list, &why) && list.nr == 4 &&
	       !strcmp(list.xpus[0].bdf, "0000:0a:00.0") &&
	       !list.xpus[0].vendor && list.xpus[0].node == -1 &&
	       !strcmp(list.xpus[1].driver, "nvidia") &&
	       list.xpus[2].device_id == 0x74a1 && list.xpus[2].node == 1 &&
	       !strcmp(list.xpus[3].bdf, "10000:01:00.0"),
	       "XPUs are told from other devices");
	xpu_list_free(&list);
}

static void gpu(const char *bdf, const char *id, const char *node,
		const char *uuid)
{
	char *path = xasprintf(GPUS "%s/information", bdf);

	device(bdf, "0x10de", id, "0x030200", "nvidia", node);
	put(path, "Model: \t\t NVIDIA H100\nIRQ:   \t\t 16\n"
	    "GPU UUID: \t %s\nVideo BIOS: \t ??\n", uuid);
	free(path);
}

static void test_nvidia(void)
{
	gpu("0000:ca:00.0", "0x2330", "1", "GPU-ab45cd00-3333");
	gpu("0000:17:00.0", "0x2330", "0", "GPU-aa11ff00-0000");
	gpu("0000:65:00.0", "0x2330", "0", "GPU-aa22ff00-1111");
	gpu("0000:b1:00.0", "0x2330", "1", "GPU-cc33dd00-2222");
	device("0000:01:00.0", "0x10de", "0x2330", "0x030200", "vfio-pci", "0");
	USES("CUDA_VISIBLE_DEVICES=2", "0000:b1:00.0", true);
	USES("A=B\0CUDA_VISIBLE_DEVICES=3,1\0C=", "0000:ca:00.0", false);
	USES("CUDA_VISIBLE_DEVICES=1,0", "0000:65:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=2, 3,9,0", "0000:b1:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=GPU-cc33dd00-2222", "0000:b1:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=gpu-CC33", "0000:b1:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=MIG-GPU-ab45cd00-3333/1/0", "0000:ca:00.0",
	     true);
	FAILS("CUDA_VISIBLE_DEVICES=GPU-aa", -1, "no device GPU-aa;");
	FAILS("CUDA_VISIBLE_DEVICES=MIG-11223344-5566", -1, "no device MIG-");
	FAILS("CUDA_VISIBLE_DEVICES=7", -1, "no device 7; there are 4");
	FAILS("CUDA_VISIBLE_DEVICES=18446744073709551616", -1, "no device");
	FAILS("CUDA_VISIBLE_DEVICES=1x", -1, "no device 1x");
	FAILS("CUDA_VISIBLE_DEVICES=,", -1, "no device ''");
	FAILS("CUDA_VISIBLE_DEVICES=\033[1m", -1, "=\\033[1m: ");
	FAILS("CUDA_VISIBLE_DEVICES=", 1, "sees no XPU");
	FAILS("CUDA_VISIBLE_DEVICES=-1", 1, "sees no XPU");
	FAILS("CUDA_VISIBLE_DEVICES=NoDevFiles", 1, "sees no XPU");
	FAILS("NVIDIA_VISIBLE_DEVICES=none\0CUDA_VISIBLE_DEVICES=0", 1,
	      "NVIDIA_VISIBLE_DEVICES=none: ");
	FAILS("NVIDIA_VISIBLE_DEVICES=all", 1, "no variable");
	FAILS("XCUDA_VISIBLE_DEVICES=1\0CUDA_VISIBLE_DEVICESX=1", 1, "no var");
	FAILS("CUDA_VISIBLE_DEVICES", 1, "no variable");
	FAILS("", 1, "no variable");
	FAILS("ROCR_VISIBLE_DEVICES=0", 1, "no variable");
	USES("NVIDIA_VISIBLE_DEVICES=void\0CUDA_VISIBLE_DEVICES=1",
	     "0000:65:00.0", true);
	USES("NVIDIA_VISIBLE_DEVICES=3,2\0CUDA_VISIBLE_DEVICES=0",
	     "0000:b1:00.0", true);
	USES("NVIDIA_VISIBLE_DEVICES=GPU-ab45", "0000:ca:00.0", true);
	USES("NVIDIA_VISIBLE_DEVICES=1:0", "0000:65:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=2\0CUDA_VISIBLE_DEVICES=0", "0000:b1:00.0",
	     true);
}

static void test_rank(void)
{
	USES("LOCAL_RANK=2", "0000:b1:00.0", true);
	USES("LOCAL_RANK=1\0CUDA_VISIBLE_DEVICES=0,3", "0000:ca:00.0", true);
	USES("LOCAL_RANK=1\0CUDA_VISIBLE_DEVICES=0,0,3", "0000:ca:00.0", true);
	USES("LOCAL_RANK=1\0CUDA_VISIBLE_DEVICES=3", "0000:ca:00.0", true);
	USES("LOCAL_RANK=0\0NVIDIA_VISIBLE_DEVICES=2,3", "0000:b1:00.0", true);
	FAILS("LOCAL_RANK=4", -1, "no device 4; there are 4");
	FAILS("LOCAL_RANK=2\0CUDA_VISIBLE_DEVICES=0,3", -1,
	      "CUDA_VISIBLE_DEVICES=0,3, LOCAL_RANK=2: ");
	FAILS("LOCAL_RANK=x", -1, "not a rank");
	FAILS("LOCAL_RANK=", -1, "not a rank");
	FAILS("LOCAL_RANK=-1", -1, "not a rank");
	FAILS("LOCAL_RANK=0\0CUDA_VISIBLE_DEVICES=", 1, "sees no XPU");
}

static void test_order(void)
{
	/* Another model: which one is the fastest is not known here. */
	attr("0000:65:00.0", "device", "0x20b0");
	USES("CUDA_VISIBLE_DEVICES=2", "0000:b1:00.0", false);
	USES("CUDA_VISIBLE_DEVICES=2\0CUDA_DEVICE_ORDER=FASTEST_FIRST",
	     "0000:b1:00.0", false);
	USES("CUDA_VISIBLE_DEVICES=2\0CUDA_DEVICE_ORDER=PCI_BUS_ID",
	     "0000:b1:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=GPU-cc33", "0000:b1:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=GPU-cc33,GPU-aa11\0LOCAL_RANK=1",
	     "0000:17:00.0", true);
	USES("LOCAL_RANK=1", "0000:65:00.0", false);
	USES("NVIDIA_VISIBLE_DEVICES=2", "0000:b1:00.0", true);
	USES("NVIDIA_VISIBLE_DEVICES=0,1\0CUDA_VISIBLE_DEVICES=1",
	     "0000:65:00.0", true);
}

/* Inside of a container, procfs has its own GPUs only, and sysfs has all. */
static void test_container(void)
{
	device("0000:17:00.0", "0x10de", "0x2330", "0x030200", "nvidia", "0");
	device("0000:65:00.0", "0x10de", "0x2330", "0x030200", "nvidia", "0");
	gpu("0000:b1:00.0", "0x2330", "1", "GPU-cc33dd00-2222");
	gpu("0000:ca:00.0", "0x2330", "2", "GPU-ab45cd00-3333");
	USES("NVIDIA_VISIBLE_DEVICES=void\0CUDA_VISIBLE_DEVICES=1",
	     "0000:ca:00.0", true);
	USES("NVIDIA_VISIBLE_DEVICES=2,3\0CUDA_VISIBLE_DEVICES=1",
	     "0000:ca:00.0", true);
	FAILS("CUDA_VISIBLE_DEVICES=2", -1, "there are 2");
}

static void kfd(const char *node, unsigned int simd, unsigned int location,
		unsigned int domain, unsigned long long unique)
{
	char *path = xasprintf(NODES "%s/properties", node);

	put(path, "cpu_cores_count 0\nsimd_count %u\nsimd_per_cu 4\n"
	    "location_id %u\ndomain %u\nunique_id %llu\n", simd, location,
	    domain, unique);
	free(path);
}

static void test_amd(void)
{
	/* Two sockets, then GPUs, not in the order of their addresses. */
	device("0001:05:00.0", "0x1002", "0x74a1", "0x120000", "amdgpu", "0");
	device("0000:26:00.0", "0x1002", "0x74a1", "0x120000", "amdgpu", "1");
	device("0000:46:00.0", "0x1002", "0x74a1", "0x120000", "amdgpu", "2");
	kfd("0", 0, 0, 0, 0);
	kfd("1", 0, 0x2600, 0, 0);
	kfd("2", 1216, 0x2600, 0, 0xdeadbeef00000001);
	put(NODES "3/properties/eperm", " ");
	kfd("4", 1216, 0x0500, 1, 0x0adbeef000000002);
	/* One more partition of a device, and a device that is gone. */
	kfd("5", 304, 0x4601, 0, 0);
	kfd("6", 304, 0x9900, 0, 7);
	kfd("10", 304, 0x2600, 0, 9);	/* behind a hole */
	USES("ROCR_VISIBLE_DEVICES=0", "0000:26:00.0", true);
	USES("ROCR_VISIBLE_DEVICES=1", "0001:05:00.0", true);
	USES("ROCR_VISIBLE_DEVICES=2", "0000:46:00.0", true);
	FAILS("ROCR_VISIBLE_DEVICES=3", -1, "there are 3");
	USES("ROCR_VISIBLE_DEVICES=GPU-0ADBEEF000000002", "0001:05:00.0", true);
	USES("ROCR_VISIBLE_DEVICES=2,0\0HIP_VISIBLE_DEVICES=1", "0000:26:00.0",
	     true);
	USES("ROCR_VISIBLE_DEVICES=2,0\0HIP_VISIBLE_DEVICES=\0CUDA_VISIBLE_DEVICES=1",
	     "0000:26:00.0", true);
	USES("HIP_VISIBLE_DEVICES=2,0\0CUDA_VISIBLE_DEVICES=1", "0000:46:00.0",
	     false);
	USES("CUDA_VISIBLE_DEVICES=1", "0001:05:00.0", true);
	FAILS("ROCR_VISIBLE_DEVICES=", 1, "sees no XPU");
	FAILS("HIP_VISIBLE_DEVICES=-1", 1, "sees no XPU");
	FAILS("ROCR_VISIBLE_DEVICES=1\0HIP_VISIBLE_DEVICES=1", -1, "there are 1");
	USES("LOCAL_RANK=1\0HIP_VISIBLE_DEVICES=2,1,0", "0001:05:00.0", true);
	/* With an NVIDIA display in the machine, its own variables count. */
	device("0000:01:00.0", "0x10de", "0x2330", "0x030000", "nvidia", "3");
	USES("CUDA_VISIBLE_DEVICES=0", "0000:01:00.0", true);
	USES("HIP_VISIBLE_DEVICES=0", "0000:26:00.0", true);
	USES("LOCAL_RANK=0\0HIP_VISIBLE_DEVICES=1", "0001:05:00.0", true);
	USES("CUDA_VISIBLE_DEVICES=\0HIP_VISIBLE_DEVICES=1", "0001:05:00.0",
	     true);
}

static void test_ascend(void)
{
	static const char table[] =
		"c1:00.0 ---> 0\n01:00.0 ---> 1\nc2:00.0 ---> 2\n"
		"nonsense\n99:00.0 ---> 9\n0000:02:00.0 ---> 3";

	device("0000:01:00.0", "0x19e5", "0xd802", "0x120000", "devdrv", "0");
	device("0000:02:00.0", "0x19e5", "0xd802", "0x120000", "devdrv", "0");
	device("0000:c1:00.0", "0x19e5", "0xd802", "0x120000", "devdrv", "2");
	device("0000:c2:00.0", "0x19e5", "0xd802", "0x120000", "devdrv", "2");
	device("0000:07:00.0", "0x19e5", "0x1711", "0x030000", "hibmc", "0");
	/* Without the driver's table it is a guess. */
	USES("ASCEND_RT_VISIBLE_DEVICES=0", "0000:01:00.0", false);
	USES("ASCEND_VISIBLE_DEVICES=0", "0000:01:00.0", false);
	attr("0000:02:00.0", "devdrv_sysfs_bdf_to_devid", table);
	USES("ASCEND_RT_VISIBLE_DEVICES=0", "0000:c1:00.0", true);
	USES("ASCEND_RT_VISIBLE_DEVICES=1", "0000:01:00.0", true);
	USES("ASCEND_RT_VISIBLE_DEVICES=1,2,3\0ASCEND_DEVICE_ID=2",
	     "0000:02:00.0", true);
	USES("ASCEND_DEVICE_ID=2", "0000:c2:00.0", true);
	USES("ASCEND_VISIBLE_DEVICES=1-2\0ASCEND_RT_VISIBLE_DEVICES=1",
	     "0000:c2:00.0", true);
	USES("ASCEND_VISIBLE_DEVICES=Ascend910-3", "0000:02:00.0", true);
	USES("LOCAL_RANK=3\0ASCEND_RT_VISIBLE_DEVICES=0,1,2,3", "0000:02:00.0",
	     true);
	FAILS("ASCEND_RT_VISIBLE_DEVICES=4", -1, "there are 4");
	FAILS("ASCEND_RT_VISIBLE_DEVICES=0-2", -1, "no device 0-2");
	FAILS("ASCEND_VISIBLE_DEVICES=2-1", -1, "no device 2-1");
	FAILS("ASCEND_VISIBLE_DEVICES=0-", -1, "no device 0-");
	FAILS("ASCEND_VISIBLE_DEVICES=0-99999999999", -1, "no device");
	FAILS("ASCEND_VISIBLE_DEVICES=void", 1, "no variable");
}

static void test_intel(void)
{
	device("0000:00:02.0", "0x8086", "0xa780", "0x030000", "i915", "0");
	device("0000:29:00.0", "0x8086", "0x56c0", "0x038000", "xe", "1");
	device("0000:00:0b.0", "0x8086", "0x7d1d", "0x120000", "intel_vpu", "0");
	USES("ZE_AFFINITY_MASK=1", "0000:29:00.0", false);
	USES("ZE_AFFINITY_MASK=1.0\0ZE_ENABLE_PCI_ID_DEVICE_ORDER=1",
	     "0000:29:00.0", true);
	attr("0000:00:02.0", "device", "0x56c0");
	USES("ZE_AFFINITY_MASK=1", "0000:29:00.0", true);
	USES("ZE_AFFINITY_MASK=0,1", "0000:00:02.0", false);
	USES("ONEAPI_DEVICE_SELECTOR=level_zero:1", "0000:29:00.0", true);
	USES("ONEAPI_DEVICE_SELECTOR=!opencl:cpu;*:1", "0000:29:00.0", true);
	USES("ZE_AFFINITY_MASK=0,1\0ONEAPI_DEVICE_SELECTOR=Level_Zero:1.*",
	     "0000:29:00.0", true);
	FAILS("ONEAPI_DEVICE_SELECTOR=level_zero:gpu", 1, "no variable");
	FAILS("ONEAPI_DEVICE_SELECTOR=opencl:0;x", 1, "no variable");
	FAILS("ZE_AFFINITY_MASK=", 1, "no variable");
	FAILS("ZE_AFFINITY_MASK=2", -1, "there are 2");
}

static void test_gaudi(void)
{
	device("0000:19:00.0", "0x1da3", "0x1020", "0x120000", "habanalabs", "0");
	device("0000:b3:00.0", "0x1da3", "0x1020", "0x120000", "habanalabs", "1");
	attr("0000:19:00.0", "module_id", "6");
	attr("0000:b3:00.0", "module_id", "2");
	USES("HABANA_VISIBLE_DEVICES=0", "0000:19:00.0", false);
	attr("0000:19:00.0", "accel/accel10/dev", "261:10");
	attr("0000:b3:00.0", "accel/accel9/dev", "261:9");
	USES("HABANA_VISIBLE_DEVICES=0", "0000:b3:00.0", true);
	USES("HABANA_VISIBLE_DEVICES=all\0HLS_MODULE_ID=6", "0000:19:00.0", true);
	USES("HABANA_VISIBLE_MODULES=2,6\0LOCAL_RANK=1", "0000:19:00.0", true);
	USES("HABANA_VISIBLE_MODULES=2,6\0HLS_MODULE_ID=6", "0000:19:00.0", true);
	FAILS("HLS_MODULE_ID=0", -1, "no device 0");
	attr("0000:b3:00.0", "module_id", "-1");
	FAILS("HLS_MODULE_ID=18446744073709551615", -1, "no device");
	FAILS("HLS_MODULE_ID=4294967295", -1, "no device");
}

static void test_process(void)
{
	size_t huge = (6 << 20) + 1;
	struct xpu_choice choice;
	char *text, *path;
	struct why why;
	FILE *out;

	gpu("0000:17:00.0", "0x2330", "-1", "GPU-1");
	FAILS("CUDA_VISIBLE_DEVICES=GPU-", -1, "no device");
	USES("CUDA_VISIBLE_DEVICES=GPU-1", "0000:17:00.0", true);
	gpu("0000:65:00.0", "0x2330", "-1", "GPU-2");
	put("/proc/7/environ", "PATH=/bin%cCUDA_VISIBLE_DEVICES=1%c", 0, 0);
	tap_ok(!xpu_of_process(7, &choice, &why) && choice.sure &&
	       choice.visible == 1 && choice.xpu.node == -1 &&
	       !strcmp(choice.xpu.bdf, "0000:65:00.0") &&
	       !strcmp(choice.variable, "CUDA_VISIBLE_DEVICES") &&
	       !strcmp(why.text, "CUDA_VISIBLE_DEVICES=1"),
	       "a process, and its XPU of no known node");
	put("/proc/8/environ", "CUDA_VISIBLE_DEVICES=1");
	tap_ok(!xpu_of_process(8, &choice, &why) &&
	       !strcmp(choice.xpu.bdf, "0000:65:00.0"), "no NUL at the end");
	put("/proc/9/environ", "%s", "");
	tap_ok(xpu_of_process(9, &choice, &why) == 1, "nothing: %s", why.text);
	tap_ok(xpu_of_process(10, &choice, &why) == -1, "gone: %s", why.text);
	put("/proc/11/environ/x", " ");
	tap_ok(xpu_of_process(11, &choice, &why) == -1, "unreadable: %s",
	       why.text);

	text = xalloc(huge, 1);
	memset(text, 'x', huge);
	path = xasprintf("%s/proc/8/environ", root);
	out = fopen(path, "we");
	must(out && fwrite(text, huge, 1, out) == 1 && !fclose(out), path);
	tap_ok(xpu_of_process(8, &choice, &why) == -1 &&
	       strstr(why.text, strerror(E2BIG)), "too long: %s", why.text);
	must(!truncate(path, huge - 1), path);
	tap_ok(xpu_of_process(8, &choice, &why) == 1, "as long as can be");
	free(path);

	/* A value of megabytes: a list that goes on and on, and one entry. */
	memcpy(text, "CUDA_VISIBLE_DEVICES=", 21);
	tap_ok(ask(text, huge, &choice, &why) == -1 && strlen(why.text) < 300,
	       "a huge entry: %s", why.text);
	memset(text + 21, ',', huge - 21);
	text[21] = '1';
	text[huge - 1] = '0';
	tap_ok(!ask(text, huge, &choice, &why) && choice.visible == 2 &&
	       !strcmp(choice.xpu.bdf, "0000:65:00.0"), "a huge list");
	free(text);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool same_machine;
} tests[] = {
	{ "nodes", test_node, false },
	{ "devices", test_find, false },
	{ "NVIDIA", test_nvidia, false },
	{ "LOCAL_RANK", test_rank, true },
	{ "order", test_order, true },
	{ "container", test_container, false },
	{ "AMD", test_amd, false },
	{ "Ascend", test_ascend, false },
	{ "Intel", test_intel, false },
	{ "Gaudi", test_gaudi, false },
	{ "processes", test_process, false },
};

int main(void)
{
	size_t i;

	must(mkdtemp(root), root);
	xpu_root = root;
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!tests[i].same_machine)
			clear();
		printf("# %s\n", tests[i].name);
		tests[i].run();
	}
	clear();
	rmdir(root);
	return tap_end();
}
