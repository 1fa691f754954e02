// SPDX-License-Identifier: GPL-2.0
/*
 * Small things every file needs: messages, sizes, checksums, escaped text.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maioctl.h"

/* Names come from anywhere: a terminal must not obey them, nor a log be forged. */
static void text_tame(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

int why_set(struct why *why, const char *fmt, ...)
{
	char text[sizeof(why->text)];	/* the old text may be an argument */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_tame(text);
	memcpy(why->text, text, sizeof(text));
	return -1;
}

/* Standard output, so that a full disk does not go unnoticed. */
int output_flush(struct why *why)
{
	return fflush(stdout) ? why_set(why, "cannot write: %s",
					strerror(errno)) : 0;
}

static const char *complain_name;

/* Whose messages these are from now on; @name must live as long. */
void complain_as(const char *name)
{
	complain_name = name;
}

/* A line is one write: several processes may have the same standard error. */
void complain(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_tame(text);
	fprintf(stderr, "maioctl: %s%s%s\n", complain_name ? complain_name : "",
		complain_name ? ": " : "", text);
}

/* All has been printed. Return: 0, or -1 if that failed, which has been said. */
int output_end(void)
{
	struct why why;

	if (!output_flush(&why))
		return 0;
	complain("%s", why.text);
	return -1;
}

static void (*out_of_memory)(void);

/* What to do when there is no memory, but to say so and to fail. */
void on_out_of_memory(void (*handler)(void))
{
	out_of_memory = handler;
}

void *alloc_or_die(void *p)
{
	if (p)
		return p;
	complain("out of memory");
	if (out_of_memory)
		out_of_memory();
	exit(EXIT_FAILURE);
}

void *xalloc(size_t nr, size_t size)
{
	return alloc_or_die(calloc(nr ? nr : 1, size));
}

void *xrealloc(void *old, size_t nr, size_t size)
{
	return alloc_or_die(reallocarray(old, nr ? nr : 1, size));
}

char *xstrdup(const char *text)
{
	return alloc_or_die(strdup(text));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return alloc_or_die(len < 0 ? NULL : text);
}

/**
 * decimal_parse - read a number that has just one way to be written
 * @text: where to read; moved behind the digits
 * @value: the number
 *
 * Return: 0, or -1 without digits, with a leading zero, or above 64 bits.
 */
int decimal_parse(const char **text, __u64 *value)
{
	const char *p = *text;
	__u64 v = 0;

	if (!isdigit((unsigned char)*p) ||
	    (*p == '0' && isdigit((unsigned char)p[1])))
		return -1;
	for (; isdigit((unsigned char)*p); p++) {
		if (__builtin_mul_overflow(v, 10ULL, &v) ||
		    __builtin_add_overflow(v, (__u64)(*p - '0'), &v))
			return -1;
	}
	*text = p;
	*value = v;
	return 0;
}

/**
 * size_parse - read a SIZE argument
 * @text: digits, then nothing or one of K, M, G, T (powers of 1024)
 * @bytes: the size
 * @why: what is wrong with it
 *
 * Return: 0 or -1.
 */
int size_parse(const char *text, __u64 *bytes, struct why *why)
{
	static const char units[] = "KMGT";
	const char *p = text;
	const char *unit;
	int shift = 0;
	__u64 value;

	while (*p == '0' && isdigit((unsigned char)p[1]))
		p++;
	if (!isdigit((unsigned char)*p))
		return why_set(why, "'%s' is not a size (like 4096, 64K, 256M, 2G)",
			       text);
	if (decimal_parse(&p, &value))
		return why_set(why, "size '%s' is too large", text);
	if (*p) {
		unit = strchr(units, toupper((unsigned char)*p));
		if (!unit || p[1])
			return why_set(why, "'%s' is not a size: only one of K, M, G, T may follow the digits",
				       text);
		shift = 10 * (int)(unit - units + 1);
	}
	if (value > ULLONG_MAX >> shift)
		return why_set(why, "size '%s' is too large", text);
	*bytes = value << shift;
	return 0;
}

/**
 * node_parse - read the number of a NUMA node
 * @text: the number
 * @node: the node
 * @why: what is wrong with it
 *
 * Return: 0, or -1 if this machine has no such node.
 */
int node_parse(const char *text, int *node, struct why *why)
{
	char path[64];
	__u64 value;
	const char *p = text;

	if (decimal_parse(&p, &value) || *p || value > INT_MAX)
		return why_set(why, "'%s' is not the number of a NUMA node", text);
	*node = (int)value;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", *node);
	if (!access("/sys/devices/system/node", F_OK) && access(path, F_OK))
		return why_set(why, "this machine has no NUMA node %d", *node);
	return 0;
}

/* Milliseconds that only ever grow. */
__u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Bytes for people: "0 B", "12.0 KiB", "1.5 GiB". */
const char *bytes_text(__u64 bytes, char *buf)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, BYTES_TEXT_MAX, "%llu B", bytes);
	else
		snprintf(buf, BYTES_TEXT_MAX, "%.1f %ciB", value, units[unit]);
	return buf;
}

/* Seconds since the epoch for people, in local time. */
const char *time_text(__u64 seconds, char *buf)
{
	time_t when = seconds;
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
	    !strftime(buf, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S %z", &tm))
		return "?";
	return buf;
}

/* FNV-1a: a changed byte always changes the hash. */
__u64 hash_more(__u64 hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--) {
		hash ^= *p++;
		hash *= 0x100000001b3ULL;
	}
	return hash;
}

static bool must_escape(unsigned char c)
{
	return c < 0x20 || c >= 0x7f || c == '\\';
}

/* Printable ASCII stays; every other byte becomes \ooo. Caller frees. */
char *text_escape(const char *text)
{
	char *out = xalloc(4 * strlen(text) + 1, 1);
	char *q = out;

	for (; *text; text++) {
		unsigned char c = *text;

		if (must_escape(c))
			q += sprintf(q, "\\%03o", c);
		else
			*q++ = c;
	}
	return out;
}

/* The reverse; NULL for anything text_escape() would not have written. */
char *text_unescape(const char *text)
{
	char *out = xalloc(strlen(text) + 1, 1);
	char *q = out;
	unsigned int c;
	int i;

	while (*text) {
		c = (unsigned char)*text++;
		if (c == '\\') {
			for (c = 0, i = 0; i < 3; i++, text++) {
				if (*text < '0' || *text > '7')
					goto bad;
				c = c * 8 + (*text - '0');
			}
			if (!c || c > 0xff || !must_escape(c))
				goto bad;
		} else if (must_escape(c)) {
			goto bad;
		}
		*q++ = c;
	}
	return out;
bad:
	free(out);
	return NULL;
}
