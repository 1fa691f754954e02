/* SPDX-License-Identifier: GPL-2.0 */
/*
 * maioctl: load models through the MAIO page cache policy. What the files of
 * the tool share, grouped by file.
 */
#ifndef MAIOCTL_H
#define MAIOCTL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

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

/* main.c */

/**
 * struct command - one command of maioctl
 * @name: as it is typed
 * @run: does it; gets its own name as the first argument
 * @summary: for the list of commands
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/**
 * struct command_set - commands that are chosen among
 * @prefix: what stands before their names, with a blank behind it
 * @usage: what stands before the list of them
 * @commands: the commands
 * @nr: how many
 */
struct command_set {
	const char *prefix;
	const char *usage;
	const struct command *commands;
	size_t nr;
};

int command_run(const struct command_set *set, int argc, char **argv);

/* options.c */

/**
 * struct option_arg - an option of a command
 * @name: as it is typed behind "--"
 * @flag: set to true if it is given, or
 * @value: set to the text given with it
 */
struct option_arg {
	const char *name;
	bool *flag;
	const char **value;
};

int options_parse(int argc, char **argv, const struct option_arg *options,
		  const char *usage, int least, int most);

/* util.c */
#define HASH_INIT		0xcbf29ce484222325ULL

/* Enough for what bytes_text() writes. */
#define BYTES_TEXT_MAX		32

/* The same for time_text(). */
#define TIME_TEXT_MAX		64

/* Always -1, so that a failing function can end in "return why_set(...)". */
int why_set(struct why *why, const char *fmt, ...) __printf(2, 3);
void complain(const char *fmt, ...) __printf(1, 2);
void complain_as(const char *name);
int output_flush(struct why *why);
int output_end(void);
void *xalloc(size_t nr, size_t size);
void on_out_of_memory(void (*handler)(void));
void *alloc_or_die(void *p);
void *xrealloc(void *old, size_t nr, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *fmt, ...) __printf(1, 2);
int size_parse(const char *text, __u64 *bytes, struct why *why);
int node_parse(const char *text, int *node, struct why *why);
int decimal_parse(const char **text, __u64 *value);
const char *bytes_text(__u64 bytes, char *buf);
const char *time_text(__u64 seconds, char *buf);
__u64 now_ms(void);
__u64 hash_more(__u64 hash, const void *data, size_t len);
char *text_escape(const char *text);
char *text_unescape(const char *text);

/* model.c */

/**
 * struct file_id - what makes a file of a model the same file elsewhere
 * @path: relative to the model
 * @size: bytes
 * @hash: of its header, see model_header_hash()
 * @mtime: seconds; a hint for people, never compared
 * @aside: nobody is expected to read it; neither kept nor compared
 */
struct file_id {
	char *path;
	__u64 size;
	__u64 hash;
	__u64 mtime;
	bool aside;
};

/**
 * struct model - the files of a load, open for reading
 * @name: what to call it: the last component of the first MODEL argument
 * @files: identities, in the order of attachment
 * @fds: file descriptors, in the same order
 * @nr: how many
 * @bytes: sum of the sizes, but for files that are aside
 * @note: what was odd about finding them, or empty
 */
struct model {
	char *name;
	struct file_id *files;
	int *fds;
	size_t nr;
	__u64 bytes;
	struct why note;
	void *inodes;	/* of its files, see tsearch(3) */
};

int model_open(struct model *model, int nr_args, char **args, struct why *why);
int model_stamp(int nr_args, char **args, __u64 *stamp, struct why *why);
int model_unchanged(const struct model *model, struct why *why);
void model_leave_out(struct model *model, size_t at);
__u64 model_aside_cached(const struct model *model);
void model_close(struct model *model);

/* model_index.c */

/**
 * struct model_index - which files belong to a model
 * @names: of the files, sorted
 * @nr: how many
 * @mapped: there was a weight_map
 */
struct model_index {
	char **names;
	size_t nr;
	bool mapped;
};

int model_index_parse(const char *data, size_t len, struct model_index *index,
		      struct why *why);
void model_index_free(struct model_index *index);
bool model_index_name(const char *name);
size_t model_index_sort(DIR *dir, char **names, size_t nr, struct why *why);

/* header.c */

/* Every header of a small model, and the start of any other file. */
#define HEADER_START_BYTES	(64U << 10)

/* The safetensors library refuses a longer header. */
#define SAFETENSORS_HEADER_MAX	100000000ULL

bool name_has_suffix(const char *name, const char *suffix);
__s64 file_cached(int fd, off_t pos, size_t len);
bool model_header_ask(int fd);
int model_header_hash(int fd, const char *path, __u64 size, bool asked,
		      __u64 *hash, struct why *why);
int header_read(int fd, const char *path, void *buf, size_t len, off_t pos,
		bool asked, struct why *why);

/* where.c */
#define WHERE_NODES		64

void where_cached(const struct model *model, __u64 *on_node);

/* tensors.c */

/**
 * struct tensor - one tensor of a file
 * @name: its name, or NULL once forgotten
 * @start: first byte in the file
 * @end: behind its last byte; @start if it has none
 */
struct tensor {
	char *name;
	__u64 start;
	__u64 end;
};

/**
 * struct tensors - the tensors of a file, in the order in which loaders take them
 * @list: the tensors
 * @nr: how many
 * @room: for how many there is room in @list
 * @header: bytes before the first of their data
 */
struct tensors {
	struct tensor *list;
	size_t nr;
	size_t room;
	__u64 header;
};

int tensors_add(struct tensors *tensors, const char *name, size_t name_len,
		__u64 start, __u64 end, struct why *why);
void tensors_sort(struct tensors *tensors);
struct tensor **tensors_by_place(const struct tensors *tensors, size_t *nr);
int tensors_check(const struct tensors *tensors, struct why *why);
void tensors_forget_names(struct tensors *tensors);
void tensors_free(struct tensors *tensors);

/* safetensors.c */
int safetensors_parse(const void *data, size_t len, __u64 size,
		      struct tensors *tensors, struct why *why);

/* gguf.c */
int gguf_parse(const void *data, size_t len, __u64 size,
	       struct tensors *tensors, struct why *why);

/* cold.c */
void *cold_template(const struct model *model, size_t *len, struct why *why);
void *cold_build(const struct model *model, const struct tensors *tensors,
		 size_t *len, struct why *why);

/* template.c */

/**
 * struct template_view - the parts of a kernel template
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

int template_view(const void *blob, size_t len, struct template_view *view,
		  struct why *why);
int template_check(const void *blob, size_t len, struct template_view *view,
		   struct why *why);

/* template_pack.c */
void *template_pack(const void *blob, size_t len, size_t *packed_len);
void *template_unpack(const void *packed, size_t packed_len, size_t len,
		      struct why *why);

/* store.c */

/**
 * struct store_entry - the content of one file of the template store
 * @service: the service id it was recorded for
 * @created: seconds since the epoch
 * @used: when it was last replayed or saved, likewise; not in the file, but the
 *	time of its last change
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
	__u64 used;
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

/* extents.c */

/**
 * struct extent - a part of a file that is read
 * @file: index of the file
 * @start: first unit
 * @end: behind the last unit
 */
struct extent {
	__u32 file;
	__u64 start;
	__u64 end;
};

/**
 * struct extents - parts of files
 * @list: the parts
 * @nr: how many
 */
struct extents {
	struct extent *list;
	size_t nr;
};

struct extent extent_of(const struct maio_template_extent *e);
__u64 extent_bytes(const struct template_view *view, const struct extent *extent);
void extents_union(const struct maio_template_extent *e, __u32 nr,
		   struct extents *all);
const struct extent *extents_at(const struct extents *all, const struct extent *at);

/* template_fit.c */
void template_fit(struct store_entry *entry);

/* template_thin.c */
void *template_thin(void *blob, size_t *len, struct template_view *view, struct why *why);

/* store_file.c */
#define SERVICE_MAX		128

bool service_valid(const char *id);
char *service_default(const struct model *model);
char *store_default_dir(struct why *why);
char *store_path(const char *dir, const char *service);
/*
 * 0: read; 1: there is none; -1: there is one, and it is no good;
 * -2: there is one, and whether it is good cannot be told.
 */
int store_load(const char *path, struct store_entry *entry, struct why *why);
void store_used(const char *path);
int store_save(const char *dir, const struct store_entry *entry,
	       struct why *why);

/**
 * struct store_file - one file of the store, as it lies in its directory
 * @name: its name there
 * @service: the same without ".maio"; NULL: not a template, but what a run that
 *	died while it was saving one has left
 * @st: of the file, or of the symbolic link if it is one
 */
struct store_file {
	char *name;
	char *service;
	struct stat st;
};

/**
 * struct store_list - the files of the store, sorted by name
 * @dirfd: the directory, or -1 if there is none
 * @files: the files
 * @nr: how many
 */
struct store_list {
	int dirfd;
	struct store_file *files;
	size_t nr;
};

#define STORE_TMP_MAX		16
void store_tmp_name(char name[STORE_TMP_MAX], unsigned int nr);
int store_list(const char *dir, struct store_list *list, struct why *why);
int store_list_load(const struct store_list *list,
		    const struct store_file *file, struct store_entry *entry,
		    struct why *why);
void store_list_free(struct store_list *list);

/* attach.c */
#define PPC_DEVICE		"/dev/ppc"
#define MAIO_POLICY		"maio"

int ppc_open(struct ppc_features *features, struct why *why);
int ppc_attach_files(int dev, const char *policy, struct model *model, pid_t pid,
		     __u64 budget, __u64 ceiling, struct why *note, struct why *why);
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
int maio_group_get(int fd, __u32 group, struct maio_group_info *info,
		   struct why *why);
int maio_group_place(int fd, __u32 group, int node, struct why *why);

/* child.c */

/**
 * struct child - how the command ended
 * @exit_status: as a shell would tell it
 * @signal: that ended it, or 0
 * @seconds: from fork to end
 * @error: why it was not run, or empty
 */
struct child {
	int exit_status;
	int signal;
	double seconds;
	struct why error;
};

/**
 * struct child_watch - what else to wait for while the command runs
 * @fd: file descriptor
 * @ready: called when it is readable; 0, or -1 to be called no more
 * @arg: for @ready
 */
struct child_watch {
	int fd;
	int (*ready)(void *arg);
	void *arg;
};

int files_limit_raise(size_t nr, struct why *why);
void __noreturn child_last_resort(char **argv);
int child_run(char **argv, struct child_watch *watch, struct child *child);
void child_signals_release(void);

/* load.c */
enum load_state {
	LOAD_STOCK,		/* nothing attached */
	LOAD_RECORD,
	LOAD_COLD,		/* replaying what the headers tell, and recording */
	LOAD_REPLAY,
	LOAD_ATTACHED,		/* a policy other than MAIO */
};

/**
 * struct load_options - how to load a model
 * @store: directory of templates, or NULL
 * @service: service id, or NULL for the default
 * @policy: name of the policy to attach
 * @pid: the process that starts the load, or 0 for any
 * @budget: bytes ahead of the readers, 0: the kernel's default
 * @gap: bytes behind the readers to leave, 0: the kernel's choice
 * @ceiling: bytes of the model that may be cached, 0: no such bound
 * @mode: what to do with consumed pages
 * @node: NUMA node, or -1: that of the XPUs that the workers' environment names
 * @record: record even if there is a template
 * @cold: without one to replay, make one of the files' headers
 * @quiet: no warnings
 */
struct load_options {
	char *store;
	const char *service;
	const char *policy;
	pid_t pid;
	__u64 budget;
	__u64 gap;
	__u64 ceiling;
	enum maio_mode mode;
	int node;
	bool record;
	bool cold;
	bool quiet;
};

/**
 * struct load - a policy at work on a model
 * @options: as given
 * @model: the files
 * @service: service id
 * @path: of the service's template, or NULL without a store
 * @fd: attachment, or -1
 * @state: what was done
 * @reason: why that
 * @left_out: which files the kernel did not take, or empty
 * @aside_cached: bytes of files that are aside, cached before the load
 * @resident: bytes of all others that were
 * @node: that pages are to lie on, or -1
 * @gap: bytes behind the readers to leave, 0: the kernel's choice
 * @placed: nodes of the groups, as told to the kernel; NULL: none were
 * @replayed: the template replayed, if it was recorded; else NULL
 * @replayed_len: its length
 * @replayed_groups: groups of the template replayed
 * @replayed_bytes: bytes it covers
 * @saved: a template was recorded and saved
 * @outgrown: why one was recorded in a replay, or empty
 * @save_note: why it was not saved, or empty
 * @coverage: of the template replayed or recorded, 0 to 1; negative: none
 * @have_stats: @stats is filled in
 * @have_status: @status is filled in
 * @stats: counters at the end
 * @status: MAIO's at the end
 */
struct load {
	const struct load_options *options;
	struct model model;
	char *service;
	char *path;
	int fd;
	enum load_state state;
	struct why reason;
	struct why left_out;
	__u64 aside_cached;
	__u64 resident;
	int node;
	__u64 gap;
	int *placed;
	void *replayed;
	size_t replayed_len;
	__u32 replayed_groups;
	__u64 replayed_bytes;
	bool saved;
	struct why outgrown;
	struct why save_note;
	double coverage;
	bool have_stats;
	bool have_status;
	struct ppc_stats stats;
	struct maio_status status;
};

int load_open(struct load *l, const struct load_options *o, int nr_models,
	      char **models, struct why *why);
int load_start(struct load *l);
void load_save(struct load *l, bool failed);
void load_end(struct load *l);
void load_close(struct load *l);
const char *load_state_name(enum load_state state);

/* judge.c */
bool judge_scan(const struct template_view *view);
bool judge_lacking(const struct template_view *had, const struct template_view *view,
		   __u64 *lacks);
int judge_whole(const struct load *l, bool failed, struct why *why);
bool judge_outgrown(const struct load *l, const struct template_view *view,
		    struct why *why);

/* run.c */

/**
 * struct run_options - the command line of "maioctl run"
 * @load: how to load
 * @json: where to write the report, or NULL
 * @require: do not run the command without the policy
 * @nr_models: elements of @models
 * @models: MODEL arguments
 * @command: COMMAND and its arguments
 */
struct run_options {
	struct load_options load;
	const char *json;
	bool require;
	int nr_models;
	char **models;
	char **command;
};

int cmd_run(int argc, char **argv);

/* session.c */
int session_run(const struct run_options *options);

/* place.c */
int place_default(void);
int place_workers(void *arg);

/* report.c */
const char *mode_name(enum maio_mode mode);
void report_text(const struct load *load, const struct child *child, FILE *out);
int report_json(const struct load *load, const struct child *child, FILE *out,
		struct why *why);
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
void json_put_reason(struct json_object *obj, const char *key,
		     const struct why *why);
struct json_object *json_node(int node);
int json_write(struct json_object *obj, FILE *out, struct why *why);
int json_write_line(struct json_object *obj, FILE *out, struct why *why);

/* json_text.c */
struct json_tokener;
enum json_type;

/**
 * struct json_text - JSON as far as it has been read
 * @start: first byte
 * @pos: next byte
 * @end: behind the last byte
 * @what: it is, and the verb
 * @offset: of the first byte in its file
 * @tok: reads one value at a time
 */
struct json_text {
	const char *start;
	const char *pos;
	const char *end;
	const char *what;
	size_t offset;
	struct json_tokener *tok;
};

typedef int (*json_member_t)(struct json_text *text, struct json_object *name,
			     void *arg, struct why *why);

void json_text_init(struct json_text *text, const char *data, size_t len,
		    const char *what, size_t offset);
void json_text_free(struct json_text *text);
int json_text_refuse(const struct json_text *text, const char *what,
		     struct why *why);
struct json_object *json_text_value(struct json_text *text,
				    enum json_type type, struct why *why);
int json_text_skip(struct json_text *text, struct why *why);
int json_text_object(struct json_text *text, json_member_t member, void *arg,
		     struct why *why);
int json_text_end(struct json_text *text, struct why *why);

/* trace.c */

/* Coordinates are in tenths of a pixel. */
#define TRACE_SCALE		10

/**
 * struct trace - the lines of a plot, while they are written
 * @out: where to
 * @width: of the plot
 * @height: of the plot
 * @taken: bitmap of the cells that something has been drawn in
 * @segments: written since trace_begin()
 * @started: there is a line whose end has not been written
 * @start_x: of the part of it that has not been written
 * @start_y: the same
 * @end_x: of the line
 * @end_y: the same
 * @pen_down: what was written last ended in @start_x, @start_y
 */
struct trace {
	FILE *out;
	int width;
	int height;
	unsigned char *taken;
	size_t segments;
	bool started;
	int start_x;
	int start_y;
	int end_x;
	int end_y;
	bool pen_down;
};

void trace_init(struct trace *t, int width, int height, FILE *out);
void trace_begin(struct trace *t);
void trace_line(struct trace *t, int x0, int y0, int x1, int y1);
void trace_end(struct trace *t);
void trace_free(struct trace *t);

/* template_plot.c */
void template_plot(const struct store_entry *entry,
		   const struct template_view *view, FILE *out);

/* group_compare.c */

/**
 * struct span - bytes of a file, and when they are read
 * @file: index of its pair in struct template_diff
 * @order: index of its extent in the group
 * @start: first byte
 * @end: byte behind the last
 */
struct span {
	__u32 file;
	__u32 order;
	__u64 start;
	__u64 end;
};

/**
 * struct group - what one worker reads
 * @spans: by file and place; no two overlap
 * @nr: how many
 * @bytes: sum of their lengths
 * @file: of what it reads first
 * @start: of what it reads first
 */
struct group {
	struct span *spans;
	size_t nr;
	__u64 bytes;
	__u32 file;
	__u64 start;
};

#define NO_GROUP		(-1)

/**
 * struct group_pair - groups of two templates that are for the same work
 * @a: number in the first, or NO_GROUP
 * @b: number in the second, or NO_GROUP
 * @both: bytes that both read
 * @only_a: bytes that only @a reads
 * @only_b: bytes that only @b reads
 * @ordered: most bytes of @both that can be picked so that both groups read
 *	all of them in the same order
 */
struct group_pair {
	int a;
	int b;
	__u64 both;
	__u64 only_a;
	__u64 only_b;
	__u64 ordered;
};

void group_sort(struct group *g);
__u64 group_shared(const struct group *a, const struct group *b);
struct group_pair group_compare(const struct group *a, int nr_a,
				const struct group *b, int nr_b);

/* template_compare.c */

/**
 * struct file_pair - a file of two templates, told by its name
 * @a: in the first; NULL: it is only in the second
 * @b: in the second; NULL: it is only in the first
 */
struct file_pair {
	const struct file_id *a;
	const struct file_id *b;
};

/**
 * struct template_diff - in what two templates differ
 * @files: first those of the first template, then those only in the second
 * @groups: the same
 * @nr_files: elements of @files
 * @nr_groups: elements of @groups
 * @files_moved: files that are in both come in another order
 * @same: they differ in nothing
 */
struct template_diff {
	struct file_pair *files;
	struct group_pair *groups;
	size_t nr_files;
	size_t nr_groups;
	bool files_moved;
	bool same;
};

bool file_pair_same(const struct file_pair *pair);
bool group_pair_same(const struct group_pair *pair);
void template_compare(const struct store_entry *a,
		      const struct template_view *view_a,
		      const struct store_entry *b,
		      const struct template_view *view_b,
		      struct template_diff *diff);
void template_diff_free(struct template_diff *diff);

/* template_cmd.c */

/**
 * struct template - a template that somebody named
 * @path: of its file
 * @entry: what is in the file
 * @view: the kernel's template in it
 */
struct template {
	char *path;
	struct store_entry entry;
	struct template_view view;
};

int cmd_template(int argc, char **argv);
char *template_store(const char *given, struct why *why);
int template_load(const char *arg, const char *store, struct template *t,
		  struct why *why);
void template_free(struct template *t);

/* template_show.c, template_list.c, template_diff.c, template_prune.c */
int cmd_template_show(int argc, char **argv);
int cmd_template_list(int argc, char **argv);
int cmd_template_diff(int argc, char **argv);
int cmd_template_prune(int argc, char **argv);

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
bool attachment_model_bytes(const struct attachment *a, __u64 *bytes);
void attachments_free(struct attachment *list, size_t nr);

/* xpu.c */
#define XPU_BDF_MAX		32

/**
 * struct xpu - a GPU, NPU or other accelerator
 * @bdf: PCI address, as sysfs writes it
 * @driver: that it is bound to, or empty
 * @uuid: or empty
 * @vendor: or NULL if its numbering is not known here
 * @vendor_id: of its PCI configuration
 * @device_id: of its PCI configuration
 * @node: NUMA node, or -1 if the machine does not tell
 * @module: place on a board of several, or -1
 * @number: as the vendor's driver has it
 * @hidden: this container may not use it
 */
struct xpu {
	char bdf[XPU_BDF_MAX];
	char driver[32];
	char uuid[64];
	const struct xpu_vendor *vendor;
	unsigned int vendor_id;
	unsigned int device_id;
	int node;
	int module;
	unsigned int number;
	bool hidden;
};

struct xpu_list {
	struct xpu *xpus;
	size_t nr;
};

/**
 * struct xpu_vendor - how a vendor numbers its XPUs
 * @name: for people; NULL behind the last one
 * @id: of its PCI devices
 * @display: display controllers are XPUs too
 * @drivers: that its XPUs compute with; any if the first is NULL
 * @number: list them as the driver does; false if that order is a guess
 * @order_variable: environment variable without which different models are
 *		    numbered in an order that is not known; NULL: there is none
 * @order_value: the value that asks for the order of addresses
 */
struct xpu_vendor {
	const char *name;
	unsigned int id;
	bool display;
	const char *drivers[2];
	bool (*number)(const struct xpu_list *all,
		       const struct xpu_vendor *vendor, struct xpu_list *out);
	const char *order_variable;
	const char *order_value;
};

/* Put before every path of sysfs and procfs: for tests. */
extern const char *xpu_root;
extern const struct xpu_vendor xpu_vendors[];

int xpu_node(const char *address, int *node, struct why *why);
int xpu_find(struct xpu_list *list, struct why *why);
void xpu_list_sort(struct xpu_list *list);
void xpu_list_free(struct xpu_list *list);

/* xpu_env.c */

/**
 * struct xpu_choice - the XPU that a process will load to
 * @xpu: the one
 * @variable: the last environment variable that had a say
 * @visible: how many it may choose from
 * @sure: @xpu's node is the node of the XPU it will use: nothing says that it
 *	  may be another one, or all are on one node
 */
struct xpu_choice {
	struct xpu xpu;
	const char *variable;
	size_t visible;
	bool sure;
};

/* 0: found; 1: the environment does not tell; -1: it makes no sense. */
int xpu_of_environ(const char *env, size_t len, struct xpu_choice *choice,
		   struct why *why);
int xpu_of_process(int pid, struct xpu_choice *choice, struct why *why);

/* xpu_cmd.c */
int cmd_xpu(int argc, char **argv);

/* conf.c */

/**
 * struct conf_service - a section of the configuration
 * @id: service id
 * @template: service id whose template is used, @id unless said
 * @models: MODEL arguments, absolute
 * @nr_models: how many
 * @mode: what to do with consumed pages
 * @node: NUMA node, or -1: that of the XPUs that the workers' environment names
 * @gap: bytes, 0: the kernel's default
 * @ceiling: bytes of the model that may be cached, 0: no such bound
 * @budget: bytes, 0: the kernel's default
 * @quiet: a load is over when nothing was read for so many milliseconds
 * @idle: let go of the files after so many milliseconds unused; 0: never
 */
struct conf_service {
	char *id;
	char *template;
	char **models;
	int nr_models;
	enum maio_mode mode;
	int node;
	__u64 gap;
	__u64 ceiling;
	__u64 budget;
	__u64 quiet;
	__u64 idle;
};

/**
 * struct conf - the configuration of "maioctl serve"
 * @store: directory of templates
 * @services: what to serve
 * @nr: how many
 */
struct conf {
	char *store;
	struct conf_service *services;
	size_t nr;
};

int conf_read(struct conf *conf, const char *dir, struct why *why);
const struct conf_service *conf_find(const struct conf *conf, const char *id);
bool conf_service_equal(const struct conf_service *a,
			const struct conf_service *b);
void conf_free(struct conf *conf);

/* conf_keys.c */
void conf_defaults(struct conf_service *s);
int conf_key_set(struct conf_service *s, const char *key, const char *value,
		 unsigned int *seen, struct why *why);
int conf_absolute(const char *path, struct why *why);

/* sd.c */
void sd_notify(const char *fmt, ...) __printf(1, 2);
__u64 sd_watchdog_ms(void);

/* service.c */
enum service_state {
	SERVICE_STARTING,
	SERVICE_WAITING,	/* for files or for the kernel */
	SERVICE_ARMED,
	SERVICE_LOADING,
	SERVICE_IDLE,		/* watched, not attached */
	SERVICE_STATES,
};

void __noreturn service_run(const struct conf_service *conf, const char *store,
			    int report);

/* serve.c */
int cmd_serve(int argc, char **argv);

/* serve_check.c */
int serve_check(const struct conf *conf, bool json, struct why *why);

/* top.c */
int cmd_top(int argc, char **argv);

#endif /* MAIOCTL_H */
