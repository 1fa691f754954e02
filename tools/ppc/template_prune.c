// SPDX-License-Identifier: GPL-2.0
/*
 * "maioctl template prune": remove templates from the store.
 *
 * Names are removed from the directory that was listed, and nothing else is
 * touched: whatever a symbolic link points to stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "maioctl.h"

#define SECONDS_PER_DAY		(24 * 60 * 60)

/* No run takes this long to save a template. */
#define TMP_MAX_AGE		(60 * 60)

static const char usage_text[] =
"Usage: maioctl template prune [OPTIONS] [SERVICE]...\n"
"\n"
"Removes templates from the store: those that are named, and those that any of\n"
"the options selects.\n"
"\n"
"  --older-than DAYS  recorded more than DAYS days ago\n"
"  --unused-for DAYS  neither recorded nor replayed for DAYS days\n"
"  --keep N           all but the N that were used last\n"
"  --damaged          those that cannot be used, and what runs that died while\n"
"                     they were saving a template left more than an hour ago\n"
"  --dry-run          remove nothing, only tell what would be\n"
"  --store DIR        where templates are kept (default: as for 'maioctl run')\n"
"  --json             print JSON\n"
"  -h, --help         this text\n";

/**
 * struct prune_options - the command line
 * @store: argument of --store, or NULL
 * @days: argument of --older-than
 * @unused: argument of --unused-for
 * @keep: argument of --keep
 * @by_age: --older-than was given
 * @by_use: --unused-for was
 * @by_rank: --keep was
 * @damaged: --damaged was
 * @dry_run: --dry-run was
 * @json: --json was
 * @services: the arguments
 * @nr_services: how many
 */
struct prune_options {
	const char *store;
	__u64 days;
	__u64 unused;
	__u64 keep;
	bool by_age;
	bool by_use;
	bool by_rank;
	bool damaged;
	bool dry_run;
	bool json;
	char **services;
	int nr_services;
};

/**
 * struct candidate - one file of the store that may have to go
 * @file: the file
 * @sound: it is a template, and @used says when it was replayed or recorded
 * @used: seconds since the epoch
 * @chosen: it has to go
 * @reason: why
 */
struct candidate {
	const struct store_file *file;
	bool sound;
	__u64 used;
	bool chosen;
	struct why reason;
};

/**
 * struct prune - what is done, and what has been
 * @options: the command line
 * @list: the store
 * @candidates: its files
 * @removed: for the JSON, or NULL
 * @failed: the same
 * @nr_removed: files
 * @bytes: of them
 * @nr_failed: what could not be done
 */
struct prune {
	const struct prune_options *options;
	struct store_list list;
	struct candidate *candidates;
	struct json_object *removed;
	struct json_object *failed;
	size_t nr_removed;
	__u64 bytes;
	size_t nr_failed;
};

static void fail(struct prune *p, const char *name, const char *reason)
{
	char *shown = text_escape(name);
	struct json_object *obj;

	p->nr_failed++;
	complain("%s: %s", shown, reason);
	free(shown);
	if (p->failed) {
		obj = json_object_new_object();
		json_put_text(obj, "name", name);
		json_put_text(obj, "reason", reason);
		json_object_array_add(p->failed, obj);
	}
}

static void choose(struct candidate *c, const char *reason)
{
	if (!c->chosen)
		why_set(&c->reason, "%s", reason);
	c->chosen = true;
}

static void choose_named(struct prune *p)
{
	const struct prune_options *o = p->options;
	size_t i;
	int arg;

	for (arg = 0; arg < o->nr_services; arg++) {
		for (i = 0; i < p->list.nr; i++) {
			const char *service = p->list.files[i].service;

			if (service && !strcmp(service, o->services[arg]))
				break;
		}
		if (i < p->list.nr)
			choose(&p->candidates[i], "named");
		else
			fail(p, o->services[arg], "no such template");
	}
}

static void choose_old(struct candidate *c, const char *what, __u64 when,
		       __u64 days)
{
	__u64 now = time(NULL);
	struct why text;

	if (now <= when || now - when <= days * SECONDS_PER_DAY)
		return;
	why_set(&text, "%s %llu days ago", what, (now - when) / SECONDS_PER_DAY);
	choose(c, text.text);
}

/* Look into a template, if anything that was asked for depends on it. */
static void judge(struct prune *p, struct candidate *c)
{
	const struct prune_options *o = p->options;
	struct store_entry entry;
	struct why why;
	int ret;

	if (!o->by_age && !o->by_use && !o->by_rank && !o->damaged)
		return;
	ret = store_list_load(&p->list, c->file, &entry, &why);
	if (!ret) {
		c->sound = true;
		c->used = entry.used;
		if (o->by_age)
			choose_old(c, "recorded", entry.created, o->days);
		if (o->by_use)
			choose_old(c, "last used", entry.used, o->unused);
		store_entry_free(&entry);
	} else if (ret == -1 && o->damaged) {
		choose(c, why.text);
	} else if (ret == -2 && !c->chosen) {
		fail(p, c->file->name, why.text);
	}
}

static void judge_tmp(struct prune *p, struct candidate *c)
{
	if (p->options->damaged && S_ISREG(c->file->st.st_mode) &&
	    time(NULL) - c->file->st.st_mtime > TMP_MAX_AGE)
		choose(c, "left over");
}

static int last_used_first(const void *a, const void *b)
{
	const struct candidate *x = *(const struct candidate *const *)a;
	const struct candidate *y = *(const struct candidate *const *)b;

	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	return strcmp(x->file->service, y->file->service);
}

static void choose_by_rank(struct prune *p)
{
	struct candidate **sound = xalloc(p->list.nr, sizeof(*sound));
	size_t i, nr = 0;
	struct why text;

	for (i = 0; i < p->list.nr; i++) {
		if (p->candidates[i].sound)
			sound[nr++] = &p->candidates[i];
	}
	qsort(sound, nr, sizeof(*sound), last_used_first);
	why_set(&text, "not one of the %llu that were used last", p->options->keep);
	for (i = p->options->keep; i < nr; i++)
		choose(sound[i], text.text);
	free(sound);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Out of the way first, under a name like those of files being saved: what is
 * there now can be looked at, and put back, before it is gone for good.
 */
static int remove_aside(int dirfd, const struct store_file *file,
			struct why *why)
{
	char aside[STORE_TMP_MAX];
	struct stat st;
	int tries = 0;

	store_tmp_name(aside, tries);
	while (renameat2(dirfd, file->name, dirfd, aside, RENAME_NOREPLACE)) {
		/* Not every file system can. */
		if (errno == EINVAL)
			return unlinkat(dirfd, file->name, 0);
		if (errno != EEXIST || ++tries == 100)
			return -1;
		store_tmp_name(aside, tries);
	}
	if (!fstatat(dirfd, aside, &st, AT_SYMLINK_NOFOLLOW) &&
	    !same_file(&st, &file->st) &&
	    !renameat2(dirfd, aside, dirfd, file->name, RENAME_NOREPLACE))
		return why_set(why, "replaced meanwhile, and left alone");
	return unlinkat(dirfd, aside, 0);
}

/* A run may have put a new template in the place of the one that was judged. */
static int remove_file(const struct store_list *list,
		       const struct store_file *file, bool dry_run,
		       struct why *why)
{
	struct stat st;

	why->text[0] = '\0';
	if (fstatat(list->dirfd, file->name, &st, AT_SYMLINK_NOFOLLOW))
		return why_set(why, "%s", strerror(errno));
	if (st.st_ino != file->st.st_ino ||
	    st.st_ctim.tv_sec != file->st.st_ctim.tv_sec ||
	    st.st_ctim.tv_nsec != file->st.st_ctim.tv_nsec)
		return why_set(why, "replaced meanwhile, and left alone");
	if (S_ISDIR(st.st_mode))
		return why_set(why, "a directory, and left alone");
	if (dry_run || !remove_aside(list->dirfd, file, why))
		return 0;
	return why->text[0] ? -1 :
	       why_set(why, "cannot remove: %s", strerror(errno));
}

static void tell(struct prune *p, const struct candidate *c)
{
	__u64 bytes = c->file->st.st_size;
	struct json_object *obj;
	char buf[BYTES_TEXT_MAX];
	char *name;

	p->nr_removed++;
	p->bytes += bytes;
	if (p->removed) {
		obj = json_object_new_object();
		json_put_text(obj, "name", c->file->name);
		json_put_u64(obj, "bytes", bytes);
		json_put_text(obj, "reason", c->reason.text);
		json_object_array_add(p->removed, obj);
		return;
	}
	name = text_escape(c->file->name);
	printf("%s %s (%s): %s\n",
	       p->options->dry_run ? "would remove" : "removed", name,
	       bytes_text(bytes, buf), c->reason.text);
	free(name);
}

static void remove_chosen(struct prune *p)
{
	struct why why;
	size_t i;

	for (i = 0; i < p->list.nr; i++) {
		const struct candidate *c = &p->candidates[i];

		if (!c->chosen)
			continue;
		if (remove_file(&p->list, c->file, p->options->dry_run, &why))
			fail(p, c->file->name, why.text);
		else
			tell(p, c);
	}
}

static void prune_files(struct prune *p)
{
	size_t i;

	p->candidates = xalloc(p->list.nr, sizeof(*p->candidates));
	for (i = 0; i < p->list.nr; i++)
		p->candidates[i].file = &p->list.files[i];
	choose_named(p);
	for (i = 0; i < p->list.nr; i++) {
		struct candidate *c = &p->candidates[i];

		if (c->file->service)
			judge(p, c);
		else
			judge_tmp(p, c);
	}
	if (p->options->by_rank)
		choose_by_rank(p);
	remove_chosen(p);
	free(p->candidates);
}

static int summary(struct prune *p, struct why *why)
{
	char buf[BYTES_TEXT_MAX];
	struct json_object *obj;

	if (!p->options->json) {
		printf("%zu %s, %s\n", p->nr_removed,
		       p->options->dry_run ? "would be removed" : "removed",
		       bytes_text(p->bytes, buf));
		return output_flush(why);
	}
	obj = json_object_new_object();
	json_object_object_add(obj, "dry_run",
			       json_object_new_boolean(p->options->dry_run));
	json_object_object_add(obj, "removed", p->removed);
	json_put_u64(obj, "removed_bytes", p->bytes);
	json_object_object_add(obj, "failed", p->failed);
	return json_write(obj, stdout, why);
}

static int prune(const struct prune_options *o)
{
	struct prune p = { .options = o };
	struct why why;
	char *dir;
	int ret = -1;

	dir = template_store(o->store, &why);
	if (!dir || store_list(dir, &p.list, &why))
		goto out;
	if (o->json) {
		p.removed = json_object_new_array();
		p.failed = json_object_new_array();
	}
	prune_files(&p);
	store_list_free(&p.list);
	ret = summary(&p, &why);
out:
	if (ret)
		complain("%s", why.text);
	free(dir);
	return ret || p.nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int parse_number(const char *option, const char *text, __u64 max,
			__u64 *value)
{
	const char *p = text;

	if (!decimal_parse(&p, value) && !*p && *value <= max)
		return 0;
	complain("%s: '%s' is not a number from 0 to %llu", option, text, max);
	return -1;
}

int cmd_template_prune(int argc, char **argv)
{
	const char *days = NULL, *unused = NULL, *keep = NULL;
	struct prune_options o = { 0 };
	const struct option_arg options[] = {
		{ "older-than", .value = &days },
		{ "unused-for", .value = &unused },
		{ "keep", .value = &keep },
		{ "damaged", .flag = &o.damaged },
		{ "dry-run", .flag = &o.dry_run },
		{ "store", .value = &o.store },
		{ "json", .flag = &o.json },
		{ }
	};
	int ret;

	ret = options_parse(argc, argv, options, usage_text, 0, INT_MAX);
	if (ret)
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	o.by_age = days;
	o.by_use = unused;
	o.by_rank = keep;
	if ((days && parse_number("--older-than", days, 1000000, &o.days)) ||
	    (unused && parse_number("--unused-for", unused, 1000000, &o.unused)) ||
	    (keep && parse_number("--keep", keep, 1000000, &o.keep)))
		return EXIT_FAILURE;
	o.services = argv + optind;
	o.nr_services = argc - optind;
	if (!o.nr_services && !o.by_age && !o.by_use && !o.by_rank &&
	    !o.damaged) {
		complain("nothing to remove: give --older-than DAYS, --unused-for DAYS, --keep N, --damaged or a SERVICE");
		return EXIT_FAILURE;
	}
	return prune(&o);
}
