// SPDX-License-Identifier: GPL-2.0
/*
 * SIZE arguments, and text that goes through the store.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"
#include "tap.h"

static void test_good(void)
{
	static const struct {
		const char *text;
		__u64 bytes;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "007", 7 },
		{ "4096", 4096 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "3M", 3 << 20 },
		{ "2G", 2ULL << 30 },
		{ "1T", 1ULL << 40 },
		{ "0T", 0 },
		{ "18446744073709551615", ULLONG_MAX },
		{ "16777215T", 16777215ULL << 40 },
	};
	struct why why;
	__u64 bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bytes = 42;
		tap_ok(!size_parse(cases[i].text, &bytes, &why) &&
		       bytes == cases[i].bytes, "'%s' is %llu", cases[i].text,
		       cases[i].bytes);
	}
}

static void test_bad(void)
{
	static const char *const cases[] = {
		"", " ", " 1", "1 ", "-1", "+1", "K", "1KB", "1KiB", "1P",
		"1.5G", "0x10", "1e3", "18446744073709551616",
		"99999999999999999999999", "16777216T", "18014398509481984K",
		"1\n", "one",
	};
	struct why why;
	__u64 bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *shown = text_escape(cases[i]);

		bytes = 42;
		why.text[0] = '\0';
		tap_ok(size_parse(cases[i], &bytes, &why) == -1 &&
		       why.text[0] && bytes == 42, "'%s' is refused", shown);
		free(shown);
	}
}

static void test_escape(void)
{
	char all[256], *escaped, *back;
	static const char *const bad[] = {
		"\\", "\\1", "\\12", "\\101", "\\000", "\\400", "\\777",
		"\\x41", "a\nb", "\xff",
	};
	size_t i;

	for (i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	escaped = text_escape(all);
	back = text_unescape(escaped);
	tap_ok(back && !strcmp(back, all), "every byte survives escaping");
	for (i = 0; escaped[i] >= ' ' && escaped[i] <= '~'; i++)
		;
	tap_ok(!escaped[i], "escaped text is printable ASCII");
	free(back);
	free(escaped);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char *shown = text_escape(bad[i]);

		back = text_unescape(bad[i]);
		tap_ok(!back, "escaped text '%s' is refused", shown);
		free(back);
		free(shown);
	}
}

static void test_sums(void)
{
	char buf[BYTES_TEXT_MAX];

	tap_ok(hash_more(HASH_INIT, "a", 1) == 0xaf63dc4c8601ec8cULL,
	       "the hash is FNV-1a");
	tap_ok(!strcmp(bytes_text(1023, buf), "1023 B") &&
	       !strcmp(bytes_text(1536, buf), "1.5 KiB") &&
	       !strcmp(bytes_text(ULLONG_MAX, buf), "16.0 EiB"),
	       "bytes are written for people");
}

int main(void)
{
	test_good();
	test_bad();
	test_escape();
	test_sums();
	return tap_end();
}
