// SPDX-License-Identifier: GPL-2.0
/*
 * Which files a MODEL argument means, and what identifies them.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maioctl.h"
#include "tap.h"

static void must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		printf("Bail out! %s\n", what);
		exit(1);
	}
}

static void make_file(const char *path, const void *data, size_t len)
{
	FILE *out = fopen(path, "w");

	must(out && fwrite(data, 1, len, out) == len && !fclose(out), path);
}

/* A safetensors file: length of the header, header, data. */
static void make_safetensors(const char *path, size_t header, size_t data,
			     size_t changed)
{
	size_t len = 8 + header + data;
	char *buf = xalloc(len, 1);
	uint64_t le = htole64(header);

	memset(buf, 'h', len);
	memcpy(buf, &le, sizeof(le));
	if (changed)
		buf[changed] = 'X';
	make_file(path, buf, len);
	free(buf);
}

static __u64 hash_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	struct why why;
	__u64 hash;

	must(fd >= 0 && !fstat(fd, &st) &&
	     !model_header_hash(fd, path, st.st_size, model_header_ask(fd), &hash,
				&why), path);
	close(fd);
	return hash;
}

static void refused(char *arg, const char *word, const char *what)
{
	struct model model;
	struct why why = { "" };
	int ret = model_open(&model, 1, &arg, &why);

	tap_ok(ret == -1 && strstr(why.text, word), "%s: %s", what, why.text);
	model_close(&model);
}

static void test_dir(void)
{
	char *args[] = { "d", "d/b.gguf", "x.bin", "empty" };
	struct model model;
	struct why why;

	must(!mkdir("d", 0755) && !mkdir("blobs", 0755) &&
	     !mkdir("d/sub.gguf", 0755) && !mkdir("empty", 0755), "mkdir");
	refused("empty", "no *.safetensors", "an empty directory is refused");
	make_file("empty/config.json", "{}", 2);
	refused("empty", "no *.safetensors", "one without weights is refused");
	refused("nowhere", "No such file", "a missing file is refused");
	make_file("empty/pytorch_model.bin", "12345", 5);
	make_file("empty/.bin", "hidden", 6);
	must(!model_open(&model, 1, &args[3], &why), why.text);
	tap_ok(model.nr == 1 && model.bytes == 5,
	       "without files in known formats, those in others are taken");
	model_close(&model);

	make_file("blobs/2", "two", 3);
	make_file("d/b.gguf", "bbbb", 4);
	make_file("d/a.safetensors", "a", 1);
	make_file("d/.c.gguf", "hidden", 6);
	make_file("d/readme.md", "text", 4);
	make_file("d/training.bin", "text", 4);
	make_file("d/.safetensors", "text", 4);
	make_file("x.bin", "xxxxx", 5);
	must(!symlink("../blobs/2", "d/c.safetensors") &&
	     !symlink("c.safetensors", "d/d.safetensors"), "symlink");
	must(!model_open(&model, 3, args, &why), why.text);
	tap_ok(model.nr == 4 && !strcmp(model.files[0].path, "a.safetensors") &&
	       !strcmp(model.files[1].path, "b.gguf") &&
	       !strcmp(model.files[2].path, "c.safetensors") &&
	       !strcmp(model.files[3].path, "x.bin"),
	       "weights only, sorted, links followed, nothing twice");
	tap_ok(model.bytes == 13 && model.files[2].size == 3, "sizes are right");
	tap_ok(!strcmp(model.name, "d"), "the model is named like its directory");
	tap_ok(!model_unchanged(&model, &why), "nothing has changed");
	make_file("x.bin", "yyyyyyyy", 8);
	tap_ok(model_unchanged(&model, &why) && strstr(why.text, "x.bin"),
	       "a change is seen: %s", why.text);
	model_close(&model);

	must(!symlink("nowhere", "d/e.gguf"), "symlink");
	refused("d", "d/e.gguf", "a link that leads nowhere is refused");
	must(!mkfifo("fifo", 0644), "mkfifo");
	refused("fifo", "neither a regular file", "a fifo is refused at once");
	refused("/dev/null", "neither a regular file", "a device is refused");
	make_file("secret.gguf", "s", 1);
	must(!chmod("secret.gguf", 0), "chmod");
	if (geteuid())
		refused("secret.gguf", "Permission", "an unreadable file is refused");
}

#define INDEX		"i/model.safetensors.index.json"

static void make_index(const char *text)
{
	make_file(INDEX, text, strlen(text));
}

/* Are so many files not put aside, and is something odd, with @word in it? */
static void indexed(size_t nr, const char *word, const char *what)
{
	char *args[] = { "i" };
	size_t i, expected = 0;
	struct model model;
	struct why why;

	must(!model_open(&model, 1, args, &why), why.text);
	while (expected < model.nr && !model.files[expected].aside)
		expected++;
	for (i = expected; i < model.nr && model.files[i].aside; )
		i++;
	tap_ok(model.nr == 4 && i == model.nr && expected == nr &&
	       (word ? !!strstr(model.note.text, word) : !model.note.text[0]),
	       "%s: %zu files, %zu aside%s%s", what, expected, model.nr - expected,
	       word ? "; " : "", model.note.text);
	model_close(&model);
}

static void test_index(void)
{
	char *args[] = { "i" };
	struct model model;
	__u64 before, after;
	struct why why;

	must(!mkdir("i", 0755), "mkdir");
	make_file("i/m-1.safetensors", "1", 1);
	make_file("i/m-2.safetensors", "2", 1);
	make_file("i/consolidated.safetensors", "12", 2);
	make_file("i/m.gguf", "12", 2);
	indexed(4, NULL, "without an index, all files are taken");
	must(!model_stamp(1, args, &before, &why), why.text);
	make_index("{\"weight_map\": {\"b\": \"m-2.safetensors\", \"a\": \"m-1.safetensors\"}}\n");
	indexed(3, NULL, "of safetensors, those that the index names");
	must(!model_stamp(1, args, &after, &why), why.text);
	tap_ok(before != after, "an index makes another model of it");

	make_index("{\"metadata\": {\"x\": [1]}, \"weight_map\": {\"a\": \"m-1.safetensors\"}}");
	indexed(2, NULL, "what else is in it is passed over");
	must(!rename(INDEX, "i/other.safetensors.index.json"), INDEX);
	make_index("{\"weight_map\": {\"a\": \"m-2.safetensors\"}}");
	indexed(3, NULL, "what any of two indices names");
	must(!unlink("i/other.safetensors.index.json"), "unlink");
	must(!model_open(&model, 1, args, &why), why.text);
	tap_ok(model.bytes == 3 && !strcmp(model.files[0].path, "m-2.safetensors") &&
	       !strcmp(model.files[1].path, "m.gguf") &&
	       !strcmp(model.files[2].path, "consolidated.safetensors"),
	       "what is put aside comes last, and is not counted");
	model_leave_out(&model, 0);
	tap_ok(model.nr == 3 && model.bytes == 2 && !strcmp(model.files[0].path, "m.gguf") &&
	       fcntl(model.fds[2], F_GETFD) >= 0, "a file that is left out");
	model_close(&model);

	make_index("{\"weight_map\": {\"a\": \"m-3.safetensors\"}}");
	indexed(4, "'m-3.safetensors' is missing", "a file is not there");
	make_index("{\"weight_map\": {\"a\": \"../x.safetensors\"}}");
	indexed(4, "is missing", "a file elsewhere is none");
	make_index("{\"weight_map\": {\"a\": 1}}");
	indexed(4, "malformed", "a number for a name");
	make_index("{\"weight_map\": {\"a\": \"m-1.safetensors\"");
	indexed(4, "malformed", "cut off");
	make_index("{\"weight_map\": {}, \"weight_map\": {}}");
	indexed(4, "second weight_map", "two maps");
	make_index("{}");
	indexed(4, "names no file", "no map");
	make_index("");
	indexed(4, "malformed", "nothing");
	must(!truncate(INDEX, 1LL << 40), INDEX);
	indexed(4, "larger than any", "endless");
	must(!unlink(INDEX) && !mkdir(INDEX, 0755), INDEX);
	indexed(4, "not a regular file", "a directory");
}

static void test_folders(void)
{
	char *args[] = { "f" };
	struct model model;
	__u64 before, after;
	struct why why;

	must(!system("mkdir -p f/vae f/unet f/.git f/text/deep"), "mkdir");
	make_file("f/.git/a.gguf", "g", 1);
	make_file("f/text/deep/a.gguf", "d", 1);
	refused("f", "in a directory in it", "neither hidden directories nor deeper ones count");
	make_file("f/vae/m.safetensors", "v", 1);
	make_file("f/unet/m.safetensors", "uu", 2);
	make_file("f/unet/n.safetensors", "nnn", 3);
	make_file("f/unet/m.safetensors.index.json",
		  "{\"weight_map\": {\"a\": \"m.safetensors\"}}", 38);
	make_file("f/text/m.bin", "tttt", 4);
	must(!model_open(&model, 1, args, &why), why.text);
	tap_ok(model.nr == 4 && !strcmp(model.files[0].path, "text/m.bin") &&
	       !strcmp(model.files[1].path, "unet/m.safetensors") &&
	       !strcmp(model.files[2].path, "unet/n.safetensors") && model.files[2].aside &&
	       !strcmp(model.files[3].path, "vae/m.safetensors") && model.bytes == 7,
	       "the files of the directories in it, each with its index%s", model.note.text);
	model_close(&model);
	must(!model_stamp(1, args, &before, &why), why.text);
	make_file("f/vae/m.safetensors", "vv", 2);
	must(!model_stamp(1, args, &after, &why), why.text);
	tap_ok(before != after, "a change there is seen");
	make_file("f/top.gguf", "t", 1);
	must(!model_open(&model, 1, args, &why), why.text);
	tap_ok(model.nr == 1, "if there are some at the top, these are the model");
	model_close(&model);
}

static void test_name(void)
{
	char *args[] = { "hub/models--org--name/snapshots/0123abcd" };
	char *dot[] = { "." };
	struct model model;
	struct why why;

	must(!system("mkdir -p hub/models--org--name/snapshots/0123abcd"), "mkdir");
	make_file("hub/models--org--name/snapshots/0123abcd/m.gguf", "x", 1);
	must(!model_open(&model, 1, args, &why), why.text);
	tap_ok(!strcmp(model.name, "models--org--name"),
	       "in a hub cache the model's name counts: %s", model.name);
	model_close(&model);
	must(!chdir(args[0]) && !model_open(&model, 1, dot, &why), why.text);
	tap_ok(!strcmp(model.name, "models--org--name"), "also from inside");
	model_close(&model);
	must(!chdir("../../../.."), "chdir");
}

static void test_hash(void)
{
	__u64 hash;

	make_safetensors("s.safetensors", 1000, 200000, 0);
	hash = hash_of("s.safetensors");
	make_safetensors("s.safetensors", 1000, 200000, 500);
	tap_ok(hash_of("s.safetensors") != hash, "a changed header counts");
	make_safetensors("s.safetensors", 1000, 200000, 65535);
	tap_ok(hash_of("s.safetensors") != hash, "so do the first 64 KiB");
	make_safetensors("s.safetensors", 1000, 200000, 65536);
	tap_ok(hash_of("s.safetensors") == hash, "what is behind does not");

	make_safetensors("l.safetensors", 150000, 100000, 0);
	hash = hash_of("l.safetensors");
	make_safetensors("l.safetensors", 150000, 100000, 150007);
	tap_ok(hash_of("l.safetensors") != hash, "a long header counts to its end");
	make_safetensors("l.safetensors", 150000, 100000, 150008);
	tap_ok(hash_of("l.safetensors") == hash, "and no further");

	make_file("t.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff tail", 13);
	hash = hash_of("t.safetensors");
	make_file("t.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff tale", 13);
	tap_ok(hash_of("t.safetensors") != hash,
	       "a forged length of the header does no harm");
	make_file("t.safetensors", "abc", 3);
	hash_of("t.safetensors");
	make_file("t.safetensors", "", 0);
	tap_ok(hash_of("t.safetensors") == HASH_INIT, "nor do tiny files");
}

static __u64 stamp_of(int nr, char **args)
{
	struct why why;
	__u64 stamp;

	must(!model_stamp(nr, args, &stamp, &why), why.text);
	return stamp;
}

static void test_stamp(void)
{
	char *args[] = { "stamp", "stamp.gguf" };
	struct timespec times[2];
	__u64 stamp, next;
	struct stat st;
	struct why why;

	must(!mkdir("stamp", 0755), "stamp");
	make_file("stamp/a.gguf", "a", 1);
	make_file("stamp.gguf", "b", 1);
	stamp = stamp_of(2, args);
	tap_ok(stamp_of(2, args) == stamp, "a stamp lasts");
	make_file("stamp/notes.txt", "a", 1);
	tap_ok(stamp_of(2, args) == stamp, "other files do not change it");
	make_file("stamp/b.gguf", "b", 1);
	next = stamp_of(2, args);
	tap_ok(next != stamp, "a new file changes it");
	must(!unlink("stamp/b.gguf"), "unlink");
	tap_ok(stamp_of(2, args) == stamp, "and one that goes");
	must(!truncate("stamp.gguf", 2), "truncate");
	next = stamp_of(2, args);
	tap_ok(next != stamp, "one that grows changes it");
	must(!symlink("../stamp.gguf", "stamp/c.gguf"), "symlink");
	stamp = stamp_of(2, args);
	make_file("next.gguf", "bb", 2);
	must(!stat("stamp.gguf", &st), "stat");
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	must(!utimensat(AT_FDCWD, "next.gguf", times, 0), "utimensat");
	must(!rename("next.gguf", "stamp.gguf"), "rename");
	next = stamp_of(2, args);
	tap_ok(next != stamp, "one that is replaced changes it, as old as it may be");
	tap_ok(stamp_of(1, args) != next, "the arguments change it");
	must(!unlink("stamp.gguf"), "unlink");
	tap_ok(model_stamp(1, args, &stamp, &why) && strstr(why.text, "c.gguf"),
	       "a link that leads nowhere has none: %s", why.text);
	tap_ok(model_stamp(1, args + 1, &stamp, &why) &&
	       strstr(why.text, "stamp.gguf"), "nothing has none: %s", why.text);
}

int main(void)
{
	char dir[] = "/tmp/maioctl-test-XXXXXX";
	char *cleanup;
	int ret;

	must(mkdtemp(dir) && !chdir(dir), dir);
	test_dir();
	test_index();
	test_folders();
	test_name();
	test_hash();
	test_stamp();
	cleanup = xasprintf("rm -rf %s", dir);
	ret = system(cleanup);
	free(cleanup);
	tap_ok(!ret, "cleaned up");
	return tap_end();
}
