// SPDX-License-Identifier: GPL-2.0
/*
 * The output of "maioctl top".
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "top.h"

#define ANSI_HOME		"\033[H"
#define ANSI_CLEAR_LINE		"\033[K"
#define ANSI_CLEAR_BELOW	"\033[J"

static struct json_object *number_json(double value)
{
	return value < 0 ? NULL : json_object_new_double(value);
}

static struct json_object *nodes_json(const struct attachment *a)
{
	struct json_object *obj = json_object_new_object();
	char key[32], node[16];
	__u64 bytes;
	int i;

	for (i = 0; i < PPC_STATS_NODES; i++) {
		snprintf(key, sizeof(key), "node%d_bytes", i);
		snprintf(node, sizeof(node), "%d", i);
		if (sample_number(a, key, &bytes))
			json_put_u64(obj, node, bytes);
	}
	return obj;
}

static struct json_object *row_json(const struct row *row)
{
	static const char *const keys[] = {
		"files", "resident_bytes", "ahead_bytes", "burned_bytes",
		"interrupts", "fallbacks",
	};
	struct json_object *obj = json_object_new_object();
	const char *policy = attachment_get(row->a, "policy");
	__u64 value;
	size_t i;

	json_put_u64(obj, "pid", row->a->pid);
	json_put_u64(obj, "fd", row->a->fd);
	json_put_text(obj, "command", row->a->comm);
	json_put_text(obj, "policy", policy ? policy : "");
	json_object_object_add(obj, "model_bytes", row->have_model_bytes ?
			       json_object_new_uint64(row->model_bytes) : NULL);
	json_put_u64(obj, "consumed_bytes", row->consumed);
	json_put_u64(obj, "prefetched_bytes", row->prefetched);
	json_object_object_add(obj, "done", number_json(row_done(row)));
	json_object_object_add(obj, "prefetch_rate", number_json(row->rate));
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		json_object_object_add(obj, keys[i],
				       sample_number(row->a, keys[i], &value) ?
				       json_object_new_uint64(value) : NULL);
	}
	json_object_object_add(obj, "node_bytes", nodes_json(row->a));
	return obj;
}

/* Return: 0 or -1. */
int sample_print_json(const struct sample *sample, struct why *why)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *array = json_object_new_array();
	size_t i;

	json_put_u64(obj, "time", time(NULL));
	for (i = 0; i < sample->nr; i++)
		json_object_array_add(array, row_json(&sample->rows[i]));
	json_object_object_add(obj, "attachments", array);
	json_put_u64(obj, "unreadable_processes", sample->unreadable);
	return json_write_line(obj, stdout, why);
}

static const char *cell(const struct attachment *a, const char *key, char *buf)
{
	__u64 bytes;

	return sample_number(a, key, &bytes) ? bytes_text(bytes, buf) : "-";
}

static const char *text_or_unknown(const char *text)
{
	return text ? text : "-";
}

static void write_nodes(const struct attachment *a, FILE *out)
{
	char key[32], buf[BYTES_TEXT_MAX];
	__u64 bytes;
	int i;

	for (i = 0; i < PPC_STATS_NODES; i++) {
		snprintf(key, sizeof(key), "node%d_bytes", i);
		if (sample_number(a, key, &bytes) && bytes)
			fprintf(out, " %d:%s", i, bytes_text(bytes, buf));
	}
}

static void write_row(const struct row *row, FILE *out)
{
	const struct attachment *a = row->a;
	char *comm = text_escape(a->comm);
	char buf[BYTES_TEXT_MAX];
	double done = row_done(row);

	fprintf(out, "%7d %-15s %-8s %5s", a->pid, comm,
		text_or_unknown(attachment_get(a, "policy")),
		text_or_unknown(attachment_get(a, "files")));
	free(comm);
	if (done < 0)
		fprintf(out, " %5s", "-");
	else
		fprintf(out, " %4.0f%%", 100 * done);
	if (row->rate < 0)
		fprintf(out, " %11s", "-");
	else
		fprintf(out, " %9s/s", bytes_text((__u64)row->rate, buf));
	fprintf(out, " %11s", cell(a, "ahead_bytes", buf));
	fprintf(out, " %11s", cell(a, "resident_bytes", buf));
	fprintf(out, " %11s", cell(a, "burned_bytes", buf));
	fprintf(out, " %6s %5s", text_or_unknown(attachment_get(a, "interrupts")),
		text_or_unknown(attachment_get(a, "fallbacks")));
	write_nodes(a, out);
}

/* Caller frees. */
static char *row_text(const struct row *row)
{
	char *text = NULL;
	size_t len;
	FILE *out = alloc_or_die(open_memstream(&text, &len));

	write_row(row, out);
	fclose(out);
	return alloc_or_die(text);
}

/* How much room there is; without a screen, as much as may be wanted. */
static void screen_size(bool screen, int *rows, int *columns)
{
	struct winsize size;

	*rows = *columns = 1 << 20;
	if (!screen || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	if (size.ws_row)
		*rows = size.ws_row;
	if (size.ws_col)
		*columns = size.ws_col;
}

static void put_line(bool screen, int columns, const char *text)
{
	printf("%.*s%s\n", columns, text, screen ? ANSI_CLEAR_LINE : "");
}

/**
 * sample_print - print a sample for people
 * @sample: the sample
 * @screen: on a terminal, over the last one, as much as there is room for
 * @why: what went wrong
 *
 * Return: 0 or -1.
 */
int sample_print(const struct sample *sample, bool screen, struct why *why)
{
	int rows, columns, left;
	char line[256];
	size_t i;

	screen_size(screen, &rows, &columns);
	if (screen)
		fputs(ANSI_HOME, stdout);
	snprintf(line, sizeof(line), sample->unreadable ?
		 "attachments %zu (%zu processes are not yours to look at)" :
		 "attachments %zu", sample->nr, sample->unreadable);
	put_line(screen, columns, line);
	snprintf(line, sizeof(line),
		 "%7s %-15s %-8s %5s %5s %11s %11s %11s %11s %6s %5s %s",
		 "pid", "command", "policy", "files", "done", "rate", "ahead",
		 "resident", "burned", "moved", "gaveup", "nodes");
	put_line(screen, columns, line);
	/* One line stays free: a newline in the last one would scroll. */
	left = rows - 3;
	for (i = 0; i < sample->nr && left-- > 0; i++) {
		char *text = row_text(&sample->rows[i]);

		put_line(screen, columns, text);
		free(text);
	}
	if (screen)
		fputs(ANSI_CLEAR_BELOW, stdout);
	return output_flush(why);
}
