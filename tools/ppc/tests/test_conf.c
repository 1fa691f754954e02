// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of "maioctl serve".
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maioctl.h"
#include "tap.h"

static char dir[] = "/tmp/maioctl-conf-XXXXXX";

static void put(const char *name, const char *text, size_t len)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *out = fopen(path, "w");

	if (!out || fwrite(text, 1, len, out) != len || fclose(out)) {
		perror(path);
		exit(1);
	}
	free(path);
}

static void drop(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);

	unlink(path);
	free(path);
}

static void test_defaults(void)
{
	const char *text = "[a]\nmodel=/m\n";
	const struct conf_service *s;
	struct conf conf;
	struct why why;

	put("a.conf", text, strlen(text));
	tap_ok(!conf_read(&conf, dir, &why) && conf.nr == 1, "a short one");
	s = conf.services;
	tap_ok(!strcmp(conf.store, "/var/lib/maio"), "default store");
	tap_ok(!strcmp(s->id, "a") && !strcmp(s->template, "a"),
	       "the template is the service's own");
	tap_ok(s->mode == MAIO_MODE_AUTO && s->node == -1 && !s->gap &&
	       !s->budget && s->quiet == 5000 && s->idle == 600000,
	       "defaults");
	conf_free(&conf);
	drop("a.conf");
}

static void test_all(void)
{
	static const char first[] =
		"# comment\n"
		"  ; another\n"
		"\n"
		"[serve]\n"
		"\tstore =  /srv/a store\t\n"
		"[qwen-tp4]\n"
		"model = /m/one # two\n"
		"model=/m/b=c\n"
		"mode = burn\n"
		"template = qwen\n"
		"gap = 64M\n"
		"ceiling = 2G\n"
		"budget = 1G\n"
		"quiet = 250ms\n"
		"idle = 2h";
	static const char second[] = "[other]\nmodel = /x\nidle = never\n";
	static const char ignored[] = "nonsense\n";
	const struct conf_service *s;
	struct conf conf, again;
	struct why why;

	put("1.conf", first, strlen(first));
	put("2.conf", second, strlen(second));
	put("3.conf.bak", ignored, strlen(ignored));
	put(".4.conf", ignored, strlen(ignored));
	tap_ok(!conf_read(&conf, dir, &why) && conf.nr == 2, "a full one");
	tap_ok(!strcmp(conf.store, "/srv/a store"), "white space is trimmed");
	s = conf_find(&conf, "qwen-tp4");
	tap_ok(s && s->nr_models == 2 && !strcmp(s->models[0], "/m/one # two") &&
	       !strcmp(s->models[1], "/m/b=c"), "models as they stand there");
	tap_ok(s && s->mode == MAIO_MODE_BURN && !strcmp(s->template, "qwen") &&
	       s->gap == 64 << 20 && s->ceiling == 2ULL << 30 &&
	       s->budget == 1 << 30 && s->quiet == 250 && s->idle == 7200000,
	       "each key arrives");
	s = conf_find(&conf, "other");
	tap_ok(s == &conf.services[1] && !s->idle, "files in order, never idle");
	tap_ok(!conf_find(&conf, "serve"), "[serve] is no service");
	tap_ok(!conf_read(&again, dir, &why) &&
	       conf_service_equal(&conf.services[0], &again.services[0]) &&
	       !conf_service_equal(&conf.services[0], &again.services[1]),
	       "services are compared");
	again.services[0].models[1][0] = 'x';
	tap_ok(!conf_service_equal(&conf.services[0], &again.services[0]),
	       "models are compared");
	conf_free(&conf);
	conf_free(&again);
	drop("1.conf");
	drop("2.conf");
	drop("3.conf.bak");
	drop(".4.conf");
}

/* Whichever key differs, the services do. */
static void test_equal(void)
{
	static const char *const lines[] = {
		"mode=burn", "mode=keep", "template=b", "gap=1", "ceiling=1", "budget=1", "quiet=1s",
		"idle=1s", "model=/n",
	};
	const char *plain = "[a]\nmodel=/m\n";
	struct conf conf, other;
	struct why why;
	size_t i;

	put("a.conf", plain, strlen(plain));
	conf_read(&conf, dir, &why);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char *text = xasprintf("%s%s\n", plain, lines[i]);

		put("a.conf", text, strlen(text));
		tap_ok(!conf_read(&other, dir, &why) &&
		       !conf_service_equal(conf.services, other.services),
		       "'%s' makes a difference", lines[i]);
		conf_free(&other);
		free(text);
	}
	conf_free(&conf);
	drop("a.conf");
}

static void expect_error(const char *text, size_t len, const char *where,
			 const char *what)
{
	char *shown = text_escape(text);
	struct conf conf;
	struct why why;

	why.text[0] = '\0';
	put("a.conf", text, len);
	tap_ok(conf_read(&conf, dir, &why) == -1 && strstr(why.text, where) &&
	       strstr(why.text, what), "'%.60s' is refused: %s", shown, why.text);
	conf_free(&conf);
	free(shown);
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		const char *where;
		const char *what;
	} cases[] = {
		{ "model = /m\n", "a.conf:1:", "no section" },
		{ "\n\n[a]\nmodle = /m\n", "a.conf:4:", "unknown key 'modle'" },
		{ "[a]\nmodel\n", "a.conf:2:", "neither" },
		{ "[a]\nmodel =\n", "a.conf:2:", "no value" },
		{ "[a]\n= x\n", "a.conf:2:", "unknown key ''" },
		{ "[a]\nmodel = m\n", "a.conf:2:", "absolute" },
		{ "[a\nmodel = /m\n", "a.conf:1:", "']'" },
		{ "[\n", "a.conf:1:", "']'" },
		{ "[]\n", "a.conf:1:", "service id" },
		{ "[../a]\n", "a.conf:1:", "service id" },
		{ "[a] # x\n", "a.conf:1:", "']'" },
		{ "[a]\n[b]\nmodel = /m\n", "a.conf:2:", "'a' has no model" },
		{ "[a]\nmode = burn\n", "a.conf:2:", "'a' has no model" },
		{ "[a]\nmodel=/m\n[a]\n", "a.conf:3:", "second section" },
		{ "[serve]\n[serve]\n", "a.conf:2:", "second section" },
		{ "[serve]\nstore=/a\nstore=/b\n", "a.conf:3:", "second 'store'" },
		{ "[serve]\nmodel=/a\n", "a.conf:2:", "unknown key" },
		{ "[serve]\nstore=a\n", "a.conf:2:", "absolute" },
		{ "[a]\nstore=/a\n", "a.conf:2:", "unknown key" },
		{ "[a]\nmode=burn\nmode=burn\n", "a.conf:3:", "second 'mode'" },
		{ "[a]\nmode=Burn\n", "a.conf:2:", "mode 'Burn'" },
		{ "[a]\ntemplate=a/b\n", "a.conf:2:", "service id" },
		{ "[a]\nnode=-1\n", "a.conf:2:", "NUMA" },
		{ "[a]\nnode=99999\n", "a.conf:2:", "NUMA" },
		{ "[a]\nxpu=zz\n", "a.conf:2:", "zz" },
		{ "[a]\nceiling=x\n", "a.conf:2:", "not a size" },
		{ "[a]\ngap=1X\n", "a.conf:2:", "1X" },
		{ "[a]\nbudget=\n", "a.conf:2:", "no value" },
		{ "[a]\nidle=10\n", "a.conf:2:", "must follow" },
		{ "[a]\nidle=0s\n", "a.conf:2:", "between" },
		{ "[a]\nidle=8761h\n", "a.conf:2:", "between" },
		{ "[a]\nidle=18446744073709551616h\n", "a.conf:2:", "not a time" },
		{ "[a]\nidle=1 min\n", "a.conf:2:", "must follow" },
		{ "[a]\nquiet=never\n", "a.conf:2:", "not a time" },
		{ "[a]\r\nmodel=/m\r\n", "a.conf:1:", "control" },
		{ "[a]\nmodel=/m\x1b[1m\n", "a.conf:2:", "control" },
	};
	struct conf conf;
	struct why why;
	size_t i;
	char *big;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		expect_error(cases[i].text, strlen(cases[i].text),
			     cases[i].where, cases[i].what);
	expect_error("[a]\nmodel=/m\n\0", 14, "a.conf:", "NUL");
	big = xalloc((1 << 20) + 2, 1);
	memset(big, '\n', (1 << 20) + 1);
	expect_error(big, (1 << 20) + 1, "a.conf:", "1 MiB");
	big[1 << 20] = '\0';
	put("a.conf", big, 1 << 20);
	tap_ok(!conf_read(&conf, dir, &why) && !conf.nr, "1 MiB is not too much");
	conf_free(&conf);
	free(big);
	drop("a.conf");
}

static void test_many(void)
{
	char *text = NULL;
	struct conf conf;
	struct why why;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int i;

	for (i = 0; i < 256; i++)
		fprintf(out, "[s%d]\nmodel=/m\n", i);
	fflush(out);
	put("a.conf", text, len);
	tap_ok(!conf_read(&conf, dir, &why) && conf.nr == 256, "256 services");
	conf_free(&conf);
	fprintf(out, "[s256]\nmodel=/m\n");
	fclose(out);
	expect_error(text, len, "a.conf:513:", "more than 256");
	free(text);
	drop("a.conf");
}

static void test_dirs(void)
{
	struct conf conf;
	struct why why;
	char *path;

	tap_ok(!conf_read(&conf, dir, &why) && !conf.nr, "nothing is configured");
	conf_free(&conf);
	tap_ok(conf_read(&conf, "/nowhere/at/all", &why) &&
	       strstr(why.text, "/nowhere"), "no directory: %s", why.text);
	conf_free(&conf);
	path = xasprintf("%s/a.conf", dir);
	if (symlink("/dev/zero", path))
		perror(path);
	tap_ok(conf_read(&conf, dir, &why) && strstr(why.text, "not a regular"),
	       "no regular file: %s", why.text);
	conf_free(&conf);
	drop("a.conf");
	if (symlink("nowhere", path))
		perror(path);
	tap_ok(conf_read(&conf, dir, &why) && strstr(why.text, "cannot open"),
	       "a link that leads nowhere: %s", why.text);
	conf_free(&conf);
	drop("a.conf");
	free(path);
}

int main(void)
{
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	test_defaults();
	test_all();
	test_equal();
	test_bad();
	test_many();
	test_dirs();
	rmdir(dir);
	return tap_end();
}
