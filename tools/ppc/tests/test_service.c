// SPDX-License-Identifier: GPL-2.0
/*
 * Service ids, and where templates are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"
#include "tap.h"

static void test_valid(void)
{
	static const char *const good[] = {
		"a", "qwen", "Qwen2.5-7B_tp4", "-x", "0", "a.b", "a..b", "_",
	};
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "a/b", "../a", "/", "a b", "a\n",
		"a\xc3\xa4", "a:b", "a*", "~", "$HOME", "a\\b",
	};
	char text[SERVICE_MAX + 2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		tap_ok(service_valid(good[i]), "'%s' is a service id", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char *shown = text_escape(bad[i]);

		tap_ok(!service_valid(bad[i]), "'%s' is not", shown);
		free(shown);
	}
	memset(text, 'a', sizeof(text));
	text[SERVICE_MAX + 1] = '\0';
	tap_ok(!service_valid(text), "%d characters are too many", SERVICE_MAX + 1);
	text[SERVICE_MAX] = '\0';
	tap_ok(service_valid(text), "%d are not", SERVICE_MAX);
}

static void test_default(void)
{
	static const char *const names[] = {
		"qwen", ".hidden", "a b/c\n", "\xc3\xa4", "", "..",
	};
	struct file_id files[] = { { .path = "a" }, { .path = "b" } };
	struct file_id joined[] = { { .path = "ab" } };
	struct model model = { .files = files, .nr = 2 };
	struct model other = { .name = "qwen", .files = joined, .nr = 1 };
	char name[1000], *id, *id2;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char *shown = text_escape(names[i]);

		model.name = (char *)names[i];
		id = service_default(&model);
		tap_ok(service_valid(id), "the default for '%s' is valid: %s",
		       shown, id);
		free(id);
		free(shown);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	model.name = name;
	id = service_default(&model);
	tap_ok(service_valid(id), "the default for a long name is valid");
	free(id);

	model.name = "qwen";
	id = service_default(&model);
	id2 = service_default(&other);
	tap_ok(strcmp(id, id2), "another list of files gives another default");
	free(id2);
	files[0].size = 1;
	files[1].hash = 1;
	id2 = service_default(&model);
	tap_ok(!strcmp(id, id2), "other contents do not");
	free(id2);
	free(id);
}

int main(void)
{
	test_valid();
	test_default();
	return tap_end();
}
