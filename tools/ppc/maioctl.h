/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maioctl: load models through the MAIO page cache policy. What the files of
 * the tool share, grouped by file.
 */
#ifndef MAIOCTL_H
#define MAIOCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/ppc.h>
#include <linux/ppc_maio.h>

#define MAIOCTL_VERSION		"0.1"

/* Exit status of "maioctl run" when it is maioctl itself that failed. */
#define EXIT_MAIOCTL		125
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

/* A recording that began with more than 5 % of the model cached is no use. */
#define COVERAGE_MIN_PERCENT	95

/**
 * struct why - the reason of a failure, in words
 * @text: one line, without the program's name and without a newline
 */
struct why {
	char text[512];
};

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define __printf(fmt, args)	__attribute__((__format__(printf, fmt, args)))
#define __noreturn		__attribute__((__noreturn__))

/* util.c */
#define HASH_INIT		0xcbf29ce484222325ULL

/* Enough for what bytes_text() writes. */
#define BYTES_TEXT_MAX		32

/* Always -1, so that a failing function can end in "return why_set(...)". */
int why_set(struct why *why, const char *fmt, ...) __printf(2, 3);
void complain(const char *fmt, ...) __printf(1, 2);
void *xalloc(size_t nr, size_t size);
void *alloc_or_die(void *p);
void *xrealloc(void *old, size_t nr, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *fmt, ...) __printf(1, 2);
int size_parse(const char *text, __u64 *bytes, struct why *why);
int decimal_parse(const char **text, __u64 *value);
const char *bytes_text(__u64 bytes, char *buf);
__u64 hash_more(__u64 hash, const void *data, size_t len);
__u32 crc32_ieee(__u32 crc, const void *data, size_t len);
char *text_escape(const char *text);
char *text_unescape(const char *text);

/* model.c */

/**
 * struct file_id - what makes a file of a model the same file elsewhere
 * @path: relative to the model
 * @size: bytes
 * @hash: of its header, see model_header_hash()
 * @mtime: seconds; a hint for people, never compared
 */
struct file_id {
	char *path;
	__u64 size;
	__u64 hash;
	__u64 mtime;
};

/**
 * struct model - the files of a load, open for reading
 * @name: what to call it: the last component of the first MODEL argument
 * @files: identities, in the order of attachment
 * @fds: file descriptors, in the same order
 * @nr: how many
 * @bytes: sum of the sizes
 */
struct model {
	char *name;
	struct file_id *files;
	int *fds;
	size_t nr;
	__u64 bytes;
	void *inodes;	/* of its files, see tsearch(3) */
};

int model_open(struct model *model, int nr_args, char **args, struct why *why);
int model_unchanged(const struct model *model, struct why *why);
void model_close(struct model *model);

/* header.c */
bool name_has_suffix(const char *name, const char *suffix);
bool model_header_ask(int fd);
int model_header_hash(int fd, const char *path, __u64 size, bool asked,
		      __u64 *hash, struct why *why);

/* template.c */

/**
 * struct template_view - a kernel template that has been found sound
 * @files: sizes when recorded
 * @groups: I/O groups
 * @extents: of all groups, in order
 * @nr_files: elements of @files
 * @nr_groups: elements of @groups
 * @nr_extents: elements of @extents
 * @bytes: lengths of all extents, clamped to the files' ends
 */
struct template_view {
	const struct maio_template_file *files;
	const struct maio_template_group *groups;
	const struct maio_template_extent *extents;
	__u32 nr_files;
	__u32 nr_groups;
	__u32 nr_extents;
	__u64 bytes;
};

#define TEMPLATE_MAX_BYTES						\
	(sizeof(struct maio_template_header) +				\
	 MAIO_MAX_FILES * sizeof(struct maio_template_file) +		\
	 MAIO_MAX_GROUPS * sizeof(struct maio_template_group) +		\
	 MAIO_MAX_EXTENTS * sizeof(struct maio_template_extent))

int template_check(const void *blob, size_t len, struct template_view *view,
		   struct why *why);

/* store.c */

/**
 * struct store_entry - the content of one file of the template store
 * @service: the service id it was recorded for
 * @created: seconds since the epoch
 * @model_bytes: sum of the files' sizes
 * @resident_bytes: of these, cached when the recording began
 * @files: identities, in the order of attachment
 * @nr_files: how many
 * @blob: the kernel's template
 * @blob_len: bytes
 */
struct store_entry {
	char *service;
	__u64 created;
	__u64 model_bytes;
	__u64 resident_bytes;
	struct file_id *files;
	size_t nr_files;
	void *blob;
	size_t blob_len;
};

/* Larger than the largest template with the longest paths that make sense. */
#define STORE_FILE_MAX		(64UL << 20)

char *store_serialise(const struct store_entry *entry, size_t *len);
int store_parse(const char *data, size_t len, struct store_entry *entry,
		struct why *why);
int store_fits(const struct store_entry *entry, const struct model *model,
	       struct why *why);
double store_coverage(const struct store_entry *entry);
bool coverage_enough(__u64 resident_bytes, __u64 model_bytes);
void store_entry_free(struct store_entry *entry);

/* store_file.c */
#define SERVICE_MAX		128

bool service_valid(const char *id);
char *service_default(const struct model *model);
char *store_default_dir(struct why *why);
char *store_path(const char *dir, const char *service);
/* 0: read; 1: there is none; -1: there is one, and it is no good. */
int store_load(const char *path, struct store_entry *entry, struct why *why);
int store_save(const char *dir, const struct store_entry *entry,
	       struct why *why);

/* attach.c */
#define PPC_DEVICE		"/dev/ppc"
#define MAIO_POLICY		"maio"

int ppc_open(struct ppc_features *features, struct why *why);
int ppc_attach_files(int dev, const char *policy, const struct model *model,
		     __u64 budget, struct why *why);
int ppc_stats_get(int fd, struct ppc_stats *stats, struct why *why);
int ppc_detach(int fd, struct why *why);
int maio_record_start(int fd, struct why *why);
int maio_record_stop(int fd, struct why *why);
int maio_replay_start(int fd, struct why *why);
int maio_template_set(int fd, const void *blob, size_t len, struct why *why);
void *maio_template_get(int fd, size_t *len, struct why *why);
int maio_mode_set(int fd, enum maio_mode mode, int node, __u64 gap,
		  struct why *why);
int maio_status_get(int fd, struct maio_status *status, struct why *why);

/* child.c */

/**
 * struct child - how the command ended
 * @exit_status: as a shell would tell it
 * @signal: that ended it, or 0
 * @seconds: from fork to end
 */
struct child {
	int exit_status;
	int signal;
	double seconds;
};

int files_limit_raise(size_t nr, struct why *why);
int child_run(char **argv, struct child *child, struct why *why);
void child_signals_release(void);

/* run.c */

/**
 * struct run_options - the command line of "maioctl run"
 * @store: directory of templates
 * @service: service id, or NULL for the default
 * @policy: name of the policy to attach
 * @json: where to write the report, or NULL
 * @budget: bytes ahead of the readers, 0: the kernel's default
 * @gap: bytes behind the readers to leave, 0: the kernel's default
 * @mode: what to do with consumed pages
 * @node: NUMA node, or -1
 * @record: record even if there is a template
 * @require: do not run the command without the policy
 * @quiet: only errors on stderr
 * @nr_models: elements of @models
 * @models: MODEL arguments
 * @command: COMMAND and its arguments
 */
struct run_options {
	char *store;
	const char *service;
	const char *policy;
	const char *json;
	__u64 budget;
	__u64 gap;
	enum maio_mode mode;
	int node;
	bool record;
	bool require;
	bool quiet;
	int nr_models;
	char **models;
	char **command;
};

int cmd_run(int argc, char **argv);

/* session.c */
int session_run(const struct run_options *options);

/* report.c */
enum run_state {
	RUN_STOCK,		/* nothing attached */
	RUN_RECORD,
	RUN_REPLAY,
	RUN_ATTACHED,		/* a policy other than MAIO */
};

/**
 * struct run_report - what happened in "maioctl run"
 * @options: as given
 * @model: the files
 * @service: service id
 * @path: of the service's template
 * @state: what maioctl did
 * @reason: why it did that
 * @saved: a template was recorded and saved
 * @save_note: why it was not saved, or empty
 * @coverage: of the template replayed or recorded, 0 to 1; negative: none
 * @have_stats: @stats is filled in
 * @have_status: @status is filled in
 * @stats: counters at the end
 * @status: MAIO's at the end
 * @child: how the command ended
 */
struct run_report {
	const struct run_options *options;
	const struct model *model;
	char *service;
	char *path;
	enum run_state state;
	struct why reason;
	bool saved;
	struct why save_note;
	double coverage;
	bool have_stats;
	bool have_status;
	struct ppc_stats stats;
	struct maio_status status;
	struct child child;
};

const char *run_state_name(enum run_state state);
void report_text(const struct run_report *report, FILE *out);
int report_json(const struct run_report *report, FILE *out, struct why *why);
int report_error_json(const char *reason, FILE *out, struct why *why);

/* counters.c */

/**
 * struct counter - one member of struct ppc_stats
 * @name: the member's name
 * @offset: its place
 */
struct counter {
	const char *name;
	size_t offset;
};

extern const struct counter counters[];
extern const size_t nr_counters;
__u64 counter_value(const struct ppc_stats *stats, const struct counter *c);

/* json.c */
struct json_object;

void json_put_u64(struct json_object *obj, const char *key, __u64 value);
void json_put_text(struct json_object *obj, const char *key, const char *text);
int json_write(struct json_object *obj, FILE *out, struct why *why);

/* show.c */
int cmd_template(int argc, char **argv);

/* stat.c */
int cmd_stat(int argc, char **argv);

/* attachments.c */

/**
 * struct attachment_line - one "ppc-..." line of an attachment's fdinfo
 * @key: without "ppc-", and with '_' for '-', as in struct ppc_stats
 * @value: the rest of the line
 */
struct attachment_line {
	char *key;
	char *value;
};

/**
 * struct attachment - one file descriptor that is an attachment
 * @pid: process that has it open
 * @fd: its number there
 * @comm: the process's name
 * @lines: what fdinfo says
 * @nr_lines: how many
 */
struct attachment {
	int pid;
	int fd;
	char comm[64];
	struct attachment_line *lines;
	size_t nr_lines;
};

struct attachment *attachments_find(size_t *nr, size_t *unreadable);
const char *attachment_get(const struct attachment *a, const char *key);
void attachments_free(struct attachment *list, size_t nr);

#endif /* MAIOCTL_H */
