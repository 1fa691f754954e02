// SPDX-License-Identifier: GPL-2.0
/*
 * Which XPU a process will load to, by the environment it was started with.
 *
 * The variables of a vendor are applied one after the other: each selects from
 * what the one before has left, and numbers start at 0 again. What CUDA_* and
 * the others mean is in their vendors' manuals; a list ends at the first entry
 * that names no device.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "maioctl.h"

/* execve(2) takes no more. */
#define ENVIRON_MAX		(6UL << 20)

#define V_CONTAINER	1	/* selects devices, and leaves their order */
#define V_EMPTY_HIDES	2	/* an empty list is a list of none */
#define V_ELSE		4	/* only if the one before says nothing */
#define V_PART		8	/* ".1" or ":1" behind a number is a part of it */
#define V_RANGE		16	/* "0-2", "Ascend910-0" */
#define V_MODULE	32	/* numbers are those of modules */
#define V_SELECTOR	64	/* "backend:list;backend:list" */

static const struct variable {
	const char *vendor;
	const char *name;
	unsigned int flags;
} variables[] = {
	{ "NVIDIA", "NVIDIA_VISIBLE_DEVICES", V_CONTAINER | V_PART },
	{ "NVIDIA", "CUDA_VISIBLE_DEVICES", V_EMPTY_HIDES },
	{ "AMD", "ROCR_VISIBLE_DEVICES", V_EMPTY_HIDES },
	{ "AMD", "HIP_VISIBLE_DEVICES", 0 },
	{ "AMD", "CUDA_VISIBLE_DEVICES", V_ELSE },
	{ "Huawei", "ASCEND_VISIBLE_DEVICES", V_CONTAINER | V_RANGE },
	{ "Huawei", "ASCEND_RT_VISIBLE_DEVICES", 0 },
	{ "Huawei", "ASCEND_DEVICE_ID", 0 },
	{ "Habana", "HABANA_VISIBLE_DEVICES", V_CONTAINER },
	{ "Habana", "HABANA_VISIBLE_MODULES", V_MODULE },
	{ "Habana", "HLS_MODULE_ID", V_MODULE },
	{ "Intel", "ZE_AFFINITY_MASK", V_PART },
	{ "Intel", "ONEAPI_DEVICE_SELECTOR", V_PART | V_SELECTOR },
};

struct environment {
	const char *text;	/* each variable ends in NUL */
	size_t len;
};

/**
 * struct selection - what is left of a vendor's XPUs
 * @list: in the order of the process
 * @numbered: the driver's numbers are known
 * @sorted: the numbers of the process are the driver's
 * @guessed: numbers were used that are not known
 * @variable: the last one that selected, or NULL
 * @reason: all that did, with their values
 */
struct selection {
	struct xpu_list list;
	bool numbered;
	bool sorted;
	bool guessed;
	const char *variable;
	char reason[256];
};

static const char *env_get(const struct environment *env, const char *name)
{
	const char *p, *end = env->text + env->len;
	size_t len = strlen(name);

	for (p = env->text; p < end; p += strlen(p) + 1) {
		if (!strncmp(p, name, len) && p[len] == '=')
			return p + len + 1;
	}
	return NULL;
}

static bool is_value(const struct environment *env, const char *name,
		     const char *wanted)
{
	const char *value = env_get(env, name);

	return value && !strcmp(value, wanted);
}

static void say(struct selection *s, const char *name, const char *value)
{
	char cut[64], *escaped;
	size_t len = strlen(s->reason);

	snprintf(cut, sizeof(cut), "%s", value);
	escaped = text_escape(cut);
	snprintf(s->reason + len, sizeof(s->reason) - len, "%s%s=%s%s",
		 len ? ", " : "", name, escaped,
		 strlen(value) < sizeof(cut) ? "" : "...");
	free(escaped);
}

/* A UUID may be cut short as long as it is that of one device only. */
static int find_uuid(const struct xpu_list *list, const char *entry)
{
	size_t i, len;
	int found = -1;

	if (!strncasecmp(entry, "MIG-GPU-", 8))
		entry += 4;
	len = strcspn(entry, "/");
	for (i = 0; i < list->nr; i++) {
		if (len <= 4 || strncasecmp(list->xpus[i].uuid, entry, len))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* The places in @list that @entry names: from @first to @last. */
static int find_entry(struct selection *s, const struct variable *v,
		      const char *entry, size_t *first, size_t *last)
{
	const struct xpu_list *list = &s->list;
	const char *p = entry;
	__u64 from, to;
	int found;
	size_t i;

	if (!strncasecmp(entry, "GPU-", 4) || !strncasecmp(entry, "MIG-", 4)) {
		found = find_uuid(list, entry);
		*first = *last = found;
		return found < 0 ? -1 : 0;
	}
	if (v->flags & V_RANGE && !strncmp(p, "Ascend", 6) && strchr(p, '-'))
		p = strchr(p, '-') + 1;
	if (decimal_parse(&p, &from))
		return -1;
	to = from;
	if (v->flags & V_RANGE && *p == '-') {
		p++;
		if (decimal_parse(&p, &to))
			return -1;
	} else if (v->flags & V_PART && (*p == '.' || *p == ':')) {
		p += strlen(p);
	}
	if (*p)
		return -1;
	if (v->flags & V_MODULE) {
		if (from > INT_MAX)
			return -1;
		for (i = 0; i < list->nr && list->xpus[i].module != (int)from; i++)
			;
		*first = *last = i;
		return i < list->nr ? 0 : -1;
	}
	if (from > to || to >= list->nr)
		return -1;
	/* The container's numbers are the driver's, not the process's. */
	if (!s->numbered || (!s->sorted && !(v->flags & V_CONTAINER)))
		s->guessed = true;
	*first = from;
	*last = to;
	return 0;
}

static int no_device(const struct selection *s, const char *entry,
		     struct why *why)
{
	char *escaped = text_escape(entry);

	why_set(why, "%s: there is no device %.64s; there are %zu", s->reason,
		*escaped ? escaped : "''", s->list.nr);
	free(escaped);
	return -1;
}

/* Keep those of @s->list that @value names. Return: 0, or -1 if it is none. */
static int select_entries(struct selection *s, const struct variable *v,
			  char *value, struct why *why)
{
	struct xpu_list out = { 0 };
	bool *taken = xalloc(s->list.nr, sizeof(*taken));
	char *entry, *save = NULL;
	size_t first, last;

	out.xpus = xalloc(s->list.nr, sizeof(*out.xpus));
	for (entry = strtok_r(value, ", ", &save); entry;
	     entry = strtok_r(NULL, ", ", &save)) {
		if (find_entry(s, v, entry, &first, &last))
			break;
		for (; first <= last; first++) {
			if (taken[first])
				continue;
			taken[first] = true;
			out.xpus[out.nr++] = s->list.xpus[first];
		}
	}
	free(taken);
	if (!out.nr && (!entry || *entry != '-')) {
		xpu_list_free(&out);
		return no_device(s, entry ? entry : "", why);
	}
	if (v->flags & V_CONTAINER) {
		xpu_list_sort(&out);
	} else {
		/* From now on it is the list that numbers them. */
		s->numbered = true;
		s->sorted = true;
	}
	xpu_list_free(&s->list);
	s->list = out;
	return 0;
}

/* Of "level_zero:0;opencl:cpu", the list for Level Zero. */
static char *selector_list(char *value)
{
	char *term, *list, *save = NULL;

	for (term = strtok_r(value, "; ", &save); term;
	     term = strtok_r(NULL, "; ", &save)) {
		list = strchr(term, ':');
		if (!list)
			continue;
		*list++ = '\0';
		if (!strcasecmp(term, "level_zero") || !strcmp(term, "*"))
			return list;
	}
	return NULL;
}

static bool is_word(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (!strcasecmp(text, *words))
			return true;
	}
	return false;
}

/* Return: 0, or -1 if the value makes no sense. */
static int apply(struct selection *s, const struct variable *v,
		 const char *value, struct why *why)
{
	static const char *const all[] = { "all", "*", "gpu", "void", NULL };
	static const char *const none[] = { "none", "NoDevFiles", NULL };
	char *copy = xstrdup(value);
	char *list = v->flags & V_SELECTOR ? selector_list(copy) : copy;
	int ret = 0;

	if (!list || is_word(list, all) ||
	    (!*list && !(v->flags & V_EMPTY_HIDES)))
		goto out;
	s->variable = v->name;
	say(s, v->name, value);
	if (!*list || is_word(list, none))
		xpu_list_free(&s->list);
	else
		ret = select_entries(s, v, list, why);
out:
	free(copy);
	return ret;
}

static void drop_hidden(struct xpu_list *list)
{
	size_t i, nr = 0;

	for (i = 0; i < list->nr; i++) {
		if (!list->xpus[i].hidden)
			list->xpus[nr++] = list->xpus[i];
	}
	list->nr = nr;
}

static int apply_variables(struct selection *s, const struct xpu_vendor *vendor,
			   const struct environment *env, bool container,
			   struct why *why)
{
	const char *value, *before = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(variables); i++) {
		const struct variable *v = &variables[i];

		if (strcmp(v->vendor, vendor->name) ||
		    !!(v->flags & V_CONTAINER) != container)
			continue;
		value = env_get(env, v->name);
		if (v->flags & V_ELSE && before && *before)
			value = NULL;
		before = value;
		if (value && s->list.nr && apply(s, v, value, why))
			return -1;
	}
	return 0;
}

/* Workers that torchrun starts see all devices, and take that of their rank. */
static int apply_rank(struct selection *s, const char *value, struct why *why)
{
	static const struct variable rank = { NULL, "LOCAL_RANK", 0 };
	const char *p = value;
	__u64 number;

	if (!decimal_parse(&p, &number) && !*p)
		return apply(s, &rank, value, why);
	say(s, rank.name, value);
	return why_set(why, "%s: this is not a rank", s->reason);
}

static bool same(const struct xpu_list *list, bool nodes)
{
	size_t i;

	for (i = 1; i < list->nr; i++) {
		if (nodes ? list->xpus[i].node != list->xpus[0].node :
		    list->xpus[i].device_id != list->xpus[0].device_id)
			return false;
	}
	return true;
}

/* Return: as xpu_of_environ(); with @rank_only, ranks alone are an answer too. */
static int choose(struct selection *s, const struct xpu_vendor *vendor,
		  const struct environment *env, bool rank_only,
		  struct xpu_choice *choice, struct why *why)
{
	const char *rank = env_get(env, "LOCAL_RANK");
	bool one_node = same(&s->list, true);

	if (apply_variables(s, vendor, env, true, why))
		return -1;
	drop_hidden(&s->list);
	/* Then it does not matter which one a guess should have been. */
	one_node = one_node || (!s->guessed && same(&s->list, true));
	s->sorted = !vendor->order_variable || same(&s->list, false) ||
		    is_value(env, vendor->order_variable, vendor->order_value);
	if (apply_variables(s, vendor, env, false, why))
		return -1;
	if (!s->list.nr || (!s->variable && !(rank_only && rank)))
		return 1;
	choice->visible = s->list.nr;
	if (rank && (s->list.nr > 1 || !s->variable) &&
	    apply_rank(s, rank, why))
		return -1;
	choice->xpu = s->list.xpus[0];
	choice->variable = s->variable;
	choice->sure = one_node || (!s->guessed && same(&s->list, true));
	why_set(why, "%s", s->reason);
	return 0;
}

static int choose_vendor(const struct xpu_list *all,
			 const struct environment *env, bool rank_only,
			 struct xpu_choice *choice, struct why *why)
{
	const struct xpu_vendor *vendor;
	int ret = 1;

	for (vendor = xpu_vendors; vendor->name && ret > 0; vendor++) {
		struct selection s = { 0 };

		s.numbered = vendor->number(all, vendor, &s.list);
		xpu_list_sort(&s.list);
		if (s.list.nr)
			ret = choose(&s, vendor, env, rank_only, choice, why);
		if (ret > 0 && s.variable)
			why_set(why, "%s: it sees no XPU", s.reason);
		xpu_list_free(&s.list);
	}
	return ret;
}

/**
 * xpu_of_environ - the XPU that a process with this environment will use
 * @env: the variables, separated by NUL, as in /proc/PID/environ
 * @len: bytes
 * @choice: the XPU
 * @why: the variables that decided, or what is wrong
 *
 * A vendor's variables count where there are XPUs of that vendor.
 *
 * Return: 0; 1 if the environment does not tell; -1 if what it tells is no
 * XPU of this machine.
 */
int xpu_of_environ(const char *env, size_t len, struct xpu_choice *choice,
		   struct why *why)
{
	struct environment copy = { .len = len };
	struct xpu_list all;
	char *text;
	int ret;

	memset(choice, 0, sizeof(*choice));
	if (xpu_find(&all, why))
		return -1;
	why_set(why, "no variable names an XPU of this machine");
	text = xalloc(len + 1, 1);
	memcpy(text, env, len);
	copy.text = text;
	ret = choose_vendor(&all, &copy, false, choice, why);
	if (ret > 0)
		ret = choose_vendor(&all, &copy, true, choice, why);
	free(text);
	xpu_list_free(&all);
	return ret;
}

static char *read_environ(int pid, size_t *len, struct why *why)
{
	char *path = xasprintf("%s/proc/%d/environ", xpu_root, pid);
	char *text = NULL;
	FILE *in;

	in = fopen(path, "re");
	free(path);
	if (!in)
		goto fail;
	text = xalloc(ENVIRON_MAX + 1, 1);
	*len = fread(text, 1, ENVIRON_MAX + 1, in);
	if (*len > ENVIRON_MAX)
		errno = E2BIG;
	if (*len <= ENVIRON_MAX && !ferror(in)) {
		fclose(in);
		return text;
	}
	free(text);
fail:
	why_set(why, "the environment of process %d: %s", pid, strerror(errno));
	if (in)
		fclose(in);
	return NULL;
}

/**
 * xpu_of_process - the XPU that a process will use
 * @pid: the process
 * @choice: the XPU
 * @why: the variables that decided, or what is wrong
 *
 * What counts is the environment it was started with: variables that it has
 * set since cannot be seen.
 *
 * Return: as xpu_of_environ().
 */
int xpu_of_process(int pid, struct xpu_choice *choice, struct why *why)
{
	size_t len;
	char *text = read_environ(pid, &len, why);
	int ret;

	if (!text)
		return -1;
	ret = xpu_of_environ(text, len, choice, why);
	free(text);
	return ret;
}
