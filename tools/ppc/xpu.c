// SPDX-License-Identifier: GPL-2.0
/*
 * The XPUs (GPUs, NPUs, accelerators) of the machine: PCI devices, with the
 * NUMA node that sysfs tells, in the order in which their vendor numbers them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maioctl.h"

#define PCI_DEVICES		"/sys/bus/pci/devices"
#define NVIDIA_GPUS		"/proc/driver/nvidia/gpus"
#define KFD_NODES		"/sys/class/kfd/kfd/topology/nodes"
#define KFD_NODES_MAX		4096
#define ASCEND_TABLE		"devdrv_sysfs_bdf_to_devid"

#define BASE_CLASS_DISPLAY	0x03
#define BASE_CLASS_ACCELERATOR	0x12

/* More than any file that is read here has. */
#define TEXT_MAX		16384

const char *xpu_root = "";

/* The file's text without white space at its end. */
static int __printf(2, 3) read_text(char *text, const char *fmt, ...)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n;
	va_list ap;
	int fd, at;

	at = snprintf(path, sizeof(path), "%s", xpu_root);
	va_start(ap, fmt);
	vsnprintf(path + at, sizeof(path) - at, fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, text + len, TEXT_MAX - 1 - len);
		if (n > 0)
			len += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	while (n == 0 && len && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return n < 0 ? -1 : 0;
}

static bool hex_field(const char **text, int min, int max, char end,
		      unsigned int *value)
{
	const char *p = *text;
	int i = 0;

	while (i <= max && isxdigit((unsigned char)p[i]))
		i++;
	if (i < min || i > max || p[i] != end)
		return false;
	*value = (unsigned int)strtoul(p, NULL, 16);
	*text = p + i + 1;
	return true;
}

/* As sysfs writes it: with a domain, in lower case. */
static int bdf_parse(const char *text, char *bdf, struct why *why)
{
	unsigned int domain = 0, bus, dev, fn;
	const char *p = text;

	hex_field(&p, 4, 8, ':', &domain);
	if (!hex_field(&p, 1, 2, ':', &bus) || !hex_field(&p, 1, 2, '.', &dev) ||
	    !hex_field(&p, 1, 1, '\0', &fn) || dev > 0x1f || fn > 7)
		return why_set(why, "'%.64s' is not a PCI address (like 0000:17:00.0)",
			       text);
	snprintf(bdf, XPU_BDF_MAX, "%04x:%02x:%02x.%u", domain, bus, dev, fn);
	return 0;
}

static int attr_number(const char *bdf, const char *name, long *value)
{
	char text[TEXT_MAX], *end;

	if (read_text(text, PCI_DEVICES "/%s/%s", bdf, name))
		return -1;
	errno = 0;
	*value = strtol(text, &end, 0);
	if (end == text || *end || *value < -1 || *value > INT_MAX)
		errno = EINVAL;
	return errno ? -1 : 0;
}

/**
 * xpu_node - the NUMA node next to a PCI device
 * @address: [domain:]bus:device.function
 * @node: the node, or -1 if the machine does not tell
 * @why: what is wrong
 *
 * Return: 0, or -1 if @address is none, or there is no such device.
 */
int xpu_node(const char *address, int *node, struct why *why)
{
	char bdf[XPU_BDF_MAX];
	long value;

	if (bdf_parse(address, bdf, why))
		return -1;
	if (attr_number(bdf, "vendor", &value))
		return errno == ENOENT ?
		       why_set(why, "there is no PCI device %s", bdf) :
		       why_set(why, "PCI device %s: %s", bdf, strerror(errno));
	if (attr_number(bdf, "numa_node", &value)) {
		/* A kernel without CONFIG_NUMA has no such file. */
		if (errno != ENOENT)
			return why_set(why, "the NUMA node of %s: %s", bdf,
				       strerror(errno));
		value = -1;
	}
	*node = (int)value;
	return 0;
}

static void list_add(struct xpu_list *list, const struct xpu *xpu)
{
	list->xpus = xrealloc(list->xpus, list->nr + 1, sizeof(*xpu));
	list->xpus[list->nr++] = *xpu;
}

static int compare(const void *a, const void *b)
{
	const struct xpu *x = a, *y = b;
	size_t x_len = strlen(x->bdf), y_len = strlen(y->bdf);

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return strcmp(x->bdf, y->bdf);
}

void xpu_list_sort(struct xpu_list *list)
{
	if (list->nr)
		qsort(list->xpus, list->nr, sizeof(*list->xpus), compare);
}

void xpu_list_free(struct xpu_list *list)
{
	free(list->xpus);
	list->xpus = NULL;
	list->nr = 0;
}

/* Bound to the driver that computes, and not to one for guests. */
static bool has_driver(const struct xpu *xpu)
{
	const char *const *drivers = xpu->vendor->drivers;

	return drivers[0] ? !strcmp(xpu->driver, drivers[0]) ||
			    (drivers[1] && !strcmp(xpu->driver, drivers[1])) :
			    xpu->driver[0];
}

static bool number_by_address(const struct xpu_list *all,
			      const struct xpu_vendor *vendor,
			      struct xpu_list *out)
{
	size_t i;

	for (i = 0; i < all->nr; i++) {
		const struct xpu *xpu = &all->xpus[i];

		if (xpu->vendor == vendor && has_driver(xpu))
			list_add(out, xpu);
	}
	for (i = 0; i < out->nr; i++)
		out->xpus[i].number = i;
	return true;
}

/* One of a vendor's; a domain may be missing at the start of @bdf. */
static struct xpu *find_bdf(const struct xpu_list *all,
			    const struct xpu_vendor *vendor, const char *bdf)
{
	size_t i, len, end = strlen(bdf);

	for (i = 0; i < all->nr; i++) {
		len = strlen(all->xpus[i].bdf);
		if (all->xpus[i].vendor == vendor && len >= end &&
		    !strcasecmp(all->xpus[i].bdf + len - end, bdf))
			return &all->xpus[i];
	}
	return NULL;
}

static __u64 property(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
		if (!strncmp(text, name, len) && text[len] == ' ')
			return strtoull(text + len, NULL, 10);
	}
	return 0;
}

/*
 * ROCm numbers the nodes of the compute driver that have SIMD units. Those a
 * container may not use cannot be read. The partitions of a device tell
 * themselves apart by the number of the function, and all are its function 0.
 */
static bool number_amd(const struct xpu_list *all,
		       const struct xpu_vendor *vendor, struct xpu_list *out)
{
	char text[TEXT_MAX], bdf[XPU_BDF_MAX];
	unsigned int location;
	struct xpu *device, xpu;
	size_t node;

	for (node = 0; node < KFD_NODES_MAX; node++) {
		if (read_text(text, KFD_NODES "/%zu/properties", node)) {
			if (errno == ENOENT)
				break;
			continue;
		}
		if (!property(text, "simd_count"))
			continue;
		location = property(text, "location_id");
		snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%u",
			 (unsigned int)property(text, "domain"),
			 location >> 8 & 0xff, location >> 3 & 0x1f, location & 7);
		device = find_bdf(all, vendor, bdf);
		bdf[strlen(bdf) - 1] = '0';
		if (!device)
			device = find_bdf(all, vendor, bdf);
		if (!device)
			continue;
		xpu = *device;
		xpu.number = node;
		if (property(text, "unique_id"))
			snprintf(xpu.uuid, sizeof(xpu.uuid), "GPU-%016llx",
				 property(text, "unique_id"));
		list_add(out, &xpu);
	}
	return true;
}

/*
 * Ascend's numbers do not follow the addresses: on common machines device 0
 * is c1:00.0 and device 1 is 01:00.0. The driver has a table, the same at each
 * device, of lines "bus:device.function ---> number".
 */
static bool number_ascend(const struct xpu_list *all,
			  const struct xpu_vendor *vendor,
			  struct xpu_list *out)
{
	char text[TEXT_MAX], bdf[XPU_BDF_MAX], *line, *save = NULL;
	unsigned int number;
	struct xpu *device, xpu;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		if (all->xpus[i].vendor == vendor &&
		    !read_text(text, PCI_DEVICES "/%s/" ASCEND_TABLE,
			       all->xpus[i].bdf))
			break;
	}
	for (line = i < all->nr ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%31[0-9a-fA-F:.] ---> %u", bdf, &number) != 2)
			continue;
		device = find_bdf(all, vendor, bdf);
		if (!device)
			continue;
		xpu = *device;
		xpu.number = number;
		list_add(out, &xpu);
	}
	if (out->nr)
		return true;
	number_by_address(all, vendor, out);
	return false;
}

/* Gaudi's devices have the numbers of their /dev/accel/accelN. */
static bool number_gaudi(const struct xpu_list *all,
			 const struct xpu_vendor *vendor, struct xpu_list *out)
{
	bool known = true;
	struct dirent *de;
	unsigned int n;
	size_t i;
	char *path;
	DIR *dir;

	number_by_address(all, vendor, out);
	for (i = 0; i < out->nr; i++) {
		bool found = false;

		path = xasprintf("%s" PCI_DEVICES "/%s/accel", xpu_root,
				 out->xpus[i].bdf);
		dir = opendir(path);
		free(path);
		while (dir && (de = readdir(dir))) {
			if (sscanf(de->d_name, "accel%u", &n) == 1) {
				out->xpus[i].number = n;
				found = true;
			}
		}
		if (dir)
			closedir(dir);
		known = known && found;
	}
	return known;
}

const struct xpu_vendor xpu_vendors[] = {
	{ "NVIDIA", 0x10de, true, { "nvidia" }, number_by_address,
	  "CUDA_DEVICE_ORDER", "PCI_BUS_ID" },
	{ "AMD", 0x1002, true, { NULL }, number_amd, NULL, NULL },
	/* Huawei's display is that of the board's controller. */
	{ "Huawei", 0x19e5, false, { NULL }, number_ascend, NULL, NULL },
	{ "Habana", 0x1da3, false, { "habanalabs" }, number_gaudi, NULL, NULL },
	{ "Intel", 0x8086, true, { "i915", "xe" }, number_by_address,
	  "ZE_ENABLE_PCI_ID_DEVICE_ORDER", "1" },
	{ }
};

/* In a container, only the GPUs given to it are in procfs. */
static void read_nvidia(struct xpu *xpu)
{
	static const char key[] = "GPU UUID:";
	char text[TEXT_MAX], *p, *path;

	if (!read_text(text, NVIDIA_GPUS "/%s/information", xpu->bdf)) {
		p = strstr(text, key);
		if (p)
			sscanf(p + strlen(key), "%63s", xpu->uuid);
		return;
	}
	path = xasprintf("%s" NVIDIA_GPUS, xpu_root);
	xpu->hidden = !access(path, F_OK);
	free(path);
}

static void read_driver(struct xpu *xpu)
{
	char *path = xasprintf("%s" PCI_DEVICES "/%s/driver", xpu_root, xpu->bdf);
	char target[PATH_MAX], *name;
	ssize_t n;

	n = readlink(path, target, sizeof(target) - 1);
	free(path);
	if (n < 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(xpu->driver, sizeof(xpu->driver), "%.31s",
		 name ? name + 1 : target);
}

/* Return: is this PCI device an XPU? */
static bool read_device(const char *name, struct xpu *xpu)
{
	const struct xpu_vendor *v;
	long vendor, device, class, value;
	struct why why;

	memset(xpu, 0, sizeof(*xpu));
	if (bdf_parse(name, xpu->bdf, &why) ||
	    attr_number(xpu->bdf, "vendor", &vendor) ||
	    attr_number(xpu->bdf, "device", &device) ||
	    attr_number(xpu->bdf, "class", &class))
		return false;
	for (v = xpu_vendors; v->name && v->id != vendor; v++)
		;
	xpu->vendor = v->name ? v : NULL;
	if (class >> 16 != BASE_CLASS_ACCELERATOR &&
	    (class >> 16 != BASE_CLASS_DISPLAY || !v->name || !v->display))
		return false;
	xpu->vendor_id = vendor;
	xpu->device_id = device;
	xpu->node = attr_number(xpu->bdf, "numa_node", &value) ? -1 : value;
	xpu->module = attr_number(xpu->bdf, "module_id", &value) ? -1 : value;
	read_driver(xpu);
	if (xpu->vendor == xpu_vendors)
		read_nvidia(xpu);
	return true;
}

/**
 * xpu_find - the XPUs of the machine
 * @list: where to put them, by address; for xpu_list_free()
 * @why: what is wrong
 *
 * Return: 0, or -1 if the devices cannot be listed. A machine without a PCI
 * bus has no XPUs.
 */
int xpu_find(struct xpu_list *list, struct why *why)
{
	char *path = xasprintf("%s" PCI_DEVICES, xpu_root);
	struct dirent *de;
	struct xpu xpu;
	DIR *dir;

	memset(list, 0, sizeof(*list));
	dir = opendir(path);
	free(path);
	if (!dir)
		return errno == ENOENT ? 0 :
		       why_set(why, PCI_DEVICES ": %s", strerror(errno));
	while ((de = readdir(dir))) {
		if (read_device(de->d_name, &xpu))
			list_add(list, &xpu);
	}
	closedir(dir);
	xpu_list_sort(list);
	return 0;
}
