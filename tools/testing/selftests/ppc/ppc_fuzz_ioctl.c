// SPDX-License-Identifier: GPL-2.0
/*
 * The grammar of the ioctls: every one of /dev/ppc, of attachments, of MAIO and of the policy
 * "test", with arguments that are valid but for one thing at most.
 */
#include <sys/syscall.h>

#include "ppc_fuzz.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof(*(a)))

enum on { ON_DEV, ON_ANY, ON_MAIO, ON_TEST };

enum kind {
	NUMBER,
	ZERO,		/* anything else must be refused */
	FLAGS,		/* anything but bit 0 must be refused */
	POINTER,
	NAME,
};

struct field {
	__u16 at;
	__u8 len;
	__u8 kind;
};

/**
 * struct call - one ioctl
 * @name: of it
 * @cmd: its number
 * @on: what it is for
 * @fill: makes a valid argument; what is known of the attachment may be updated, which counts if
 *	the call succeeds; sets *@invalid if the call must not succeed
 * @fields: of the argument
 */
struct call {
	const char *name;
	unsigned long cmd;
	enum on on;
	void (*fill)(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid);
	struct field fields[8];
};

__u64 fuzz_odd_number(struct fuzz *f)
{
	static const __u64 limits[] = { 1, 8, 128, 1024, 4096, 16384, 65536, 1048576, 1ULL << 31,
					1ULL << 32, 1ULL << 40, 1ULL << 43, 1ULL << 63 };

	switch (fuzz_below(&f->rng, 5)) {
	case 0:
		return 0;
	case 1:
		return -fuzz_below(&f->rng, 4096);
	case 2:
		return fuzz_next(&f->rng);
	case 3:
		return 1ULL << fuzz_below(&f->rng, 64);
	}
	return limits[fuzz_below(&f->rng, ARRAY_LEN(limits))] + fuzz_below(&f->rng, 3) - 1;
}

/* Where there is nothing, not enough, nothing to be written, or something that faults at length. */
static void *odd_pointer(struct fuzz *f)
{
	switch (fuzz_below(&f->rng, 9)) {
	case 0:
		return NULL;
	case 1:
		return (void *)1;
	case 2:
		return f->arg + FUZZ_END;
	case 3:
		return f->arg + FUZZ_END - 1 - fuzz_below(&f->rng, 300);
	case 4:
		return f->readonly + fuzz_below(&f->rng, FUZZ_PAGE);
	case 5:
		return (void *)(0xffff888000000000ULL + fuzz_below(&f->rng, 1 << 20));
	case 6:
		return (void *)(1ULL << 63 >> fuzz_below(&f->rng, 17));
	case 7:
		return (void *)-fuzz_below(&f->rng, 4096);
	}
	return f->mapped + (fuzz_below(&f->rng, MB) & ~7ULL);
}

static int valid_fd(struct fuzz *f, __s8 *index, bool steady)
{
	*index = fuzz_pick_file(f, steady);
	return fuzz_files[(int)*index].fd;
}

/* An array of fds to attach, which is added to what is known of the attachment. */
static __u32 fill_fds(struct fuzz *f, struct fuzz_att *att, __u32 room)
{
	const bool steady = !fuzz_one_in(&f->rng, 3);
	__s32 *fds = (void *)(f->arg + FUZZ_ARRAYS);
	__u32 nr = 1 + fuzz_below(&f->rng, fuzz_one_in(&f->rng, 20) ? room : 3), i;

	for (i = 0; i < nr; i++) {
		__s8 index;

		fds[i] = valid_fd(f, &index, steady);
		if (att->nr + i < FUZZ_MAX_NAMED)
			att->files[att->nr + i] = index;
	}
	if (fuzz_one_in(&f->rng, 12))
		fds[fuzz_below(&f->rng, nr)] = fuzz_pick_fd(f);
	/* One of which not all is known has no templates. */
	att->nr = att->nr + nr <= FUZZ_MAX_NAMED ? att->nr + nr : 0;
	return nr;
}

static void fill_attach_args(struct fuzz *f, struct fuzz_att *att, struct ppc_attach *args)
{
	const pid_t pids[] = { 0, 0, 0, getpid(), getppid(), syscall(SYS_gettid) };
	const __u64 sizes[] = { 0, 0, 0, MB, 16 * MB, 64 * KB, 1ULL << 40 };

	*args = (struct ppc_attach){
		.nr_fds = fill_fds(f, att, 64),
		.fds = (uintptr_t)(f->arg + FUZZ_ARRAYS),
		.pid = pids[fuzz_below(&f->rng, ARRAY_LEN(pids))],
		.budget = sizes[fuzz_below(&f->rng, ARRAY_LEN(sizes))],
		.max_resident = sizes[fuzz_below(&f->rng, ARRAY_LEN(sizes))],
	};
	snprintf(args->policy, sizeof(args->policy), "%s",
		 att->policy == FUZZ_MAIO ? "maio" : PPC_TEST_POLICY);
	if (fuzz_one_in(&f->rng, 6)) {
		args->flags = PPC_ATTACH_MAY_KEEP;
		args->keep_budget = 4 * MB;
	}
}

static void fill_attach(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	*att = (struct fuzz_att){ .policy = fuzz_below(&f->rng, 2) ? FUZZ_MAIO : FUZZ_TEST };
	fill_attach_args(f, att, arg);
}

static void fill_add(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	struct ppc_files *files = arg;

	*files = (struct ppc_files){ .nr = fill_fds(f, att, 16) };
	files->fds = (uintptr_t)(f->arg + FUZZ_ARRAYS);
}

static void fill_remove(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	__u32 *index = (void *)(f->arg + FUZZ_ARRAYS);
	struct ppc_files *files = arg;
	__u32 i;

	*files = (struct ppc_files){ .fds = (uintptr_t)index };
	for (i = 0; i < att->nr; i++)
		if (att->files[i] >= 0 && fuzz_one_in(&f->rng, 2)) {
			index[files->nr++] = i;
			att->files[i] = -1;
		}
	if (!files->nr)
		index[files->nr++] = fuzz_below(&f->rng, 4);
	if (files->nr > 1 && fuzz_one_in(&f->rng, 8)) {
		index[0] = index[1];
		*invalid = true;
	}
}

static void fill_set_template(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	struct maio_template_io *io = arg;

	io->buf = (uintptr_t)(f->arg + FUZZ_TEMPLATE);
	io->len = fuzz_template(f, att, f->arg + FUZZ_TEMPLATE, invalid);
}

static void fill_get_template(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	struct maio_template_io *io = arg;

	io->buf = (uintptr_t)(f->arg + FUZZ_TEMPLATE);
	io->len = fuzz_one_in(&f->rng, 4) ? fuzz_below(&f->rng, 100) : MB;
}

static int some_node(struct fuzz *f)
{
	return (int)fuzz_below(&f->rng, 3) - 1;
}

static void fill_mode(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	const __u64 gaps[] = { 0, 4096, MB, 1ULL << 40 };

	*(struct maio_mode_args *)arg = (struct maio_mode_args){
		.mode = fuzz_below(&f->rng, MAIO_MODE_AUTO + 1),
		.node = some_node(f),
		.gap = gaps[fuzz_below(&f->rng, ARRAY_LEN(gaps))],
	};
}

static void fill_group(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	((struct maio_group_info *)arg)->group = fuzz_below(&f->rng, 3);
}

static void fill_bind(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	const pid_t pids[] = { 0, getpid(), getppid(), syscall(SYS_gettid), 1 };

	*(struct maio_bind *)arg = (struct maio_bind){
		.group = fuzz_below(&f->rng, 3),
		.pid = pids[fuzz_below(&f->rng, ARRAY_LEN(pids))],
		.node = some_node(f),
	};
}

static void fill_answer(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	const __u32 answers[] = { TEST_ANSWER_STOCK, TEST_ANSWER_TAKEN, TEST_ANSWER_STREAM,
				  TEST_ANSWER_STREAM, fuzz_next(&f->rng) };

	*(__u32 *)arg = answers[fuzz_below(&f->rng, ARRAY_LEN(answers))];
}

static __u64 some_pos(struct fuzz *f, const struct fuzz_att *att, __u32 file)
{
	__u64 size = file < att->nr && att->files[file] >= 0 ? fuzz_size(att->files[file]) : MB;

	return size ? fuzz_below(&f->rng, size) : 0;
}

static void fill_rule(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	const __u32 file = fuzz_below(&f->rng, att->nr + 1);

	*(struct ppc_test_rule *)arg = (struct ppc_test_rule){
		.file = file,
		.verdict = fuzz_below(&f->rng, 4),
		.reasons = fuzz_below(&f->rng, 4),
		.pos = some_pos(f, att, file),
		.len = fuzz_below(&f->rng, 8 * MB),
	};
}

/* One stretch of each file, in any order of the files. */
static void fill_stream(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	struct ppc_test_range *ranges = (void *)(f->arg + FUZZ_ARRAYS);
	__u32 i, at = fuzz_below(&f->rng, att->nr + 1), nr = 0;

	for (i = 0; i < att->nr; i++) {
		const __u32 file = (at + i) % att->nr;
		const __u64 pos = some_pos(f, att, file) & -FUZZ_PAGE;

		if (att->files[file] < 0)
			continue;
		ranges[nr++] = (struct ppc_test_range){
			.file = file,
			.pos = pos,
			.len = 1 + fuzz_below(&f->rng, fuzz_size(att->files[file]) - pos ?: 1),
		};
		/* No stream is longer than some terabytes. */
		if (ranges[nr - 1].len > 1ULL << 40)
			ranges[nr - 1].len = 1ULL << 33;
	}
	*(struct ppc_test_stream *)arg = (struct ppc_test_stream){
		.ranges = (uintptr_t)ranges,
		.nr = nr,
		.node = some_node(f),
		.burn = fuzz_below(&f->rng, 4),
		.feed = !fuzz_one_in(&f->rng, 4),
		.gap = fuzz_one_in(&f->rng, 2) ? TEST_GAP_AUTO : fuzz_below(&f->rng, 4 * MB),
	};
	att->streams++;
}

static void fill_op(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	*(struct ppc_test_op *)arg = (struct ppc_test_op){
		.stream = fuzz_below(&f->rng, att->streams ?: 1),
		.op = fuzz_below(&f->rng, fuzz_one_in(&f->rng, 4) ? 5 : 2),
	};
}

static void fill_feed(struct fuzz *f, struct fuzz_att *att, void *arg, bool *invalid)
{
	const __u32 file = fuzz_below(&f->rng, att->nr + 1);

	*(struct ppc_test_feed *)arg = (struct ppc_test_feed){
		.stream = fuzz_below(&f->rng, att->streams ?: 1),
		.type = fuzz_below(&f->rng, PPC_TEST_TYPES),
		.file = file,
		.uptodate = fuzz_below(&f->rng, 2),
		.pos = some_pos(f, att, file),
		.len = 1 + fuzz_below(&f->rng, MB),
	};
}

#define FIELD(type, name, kind)	\
	{ offsetof(struct type, name), sizeof(((struct type *)0)->name), kind }
#define CALL(_cmd)	.name = #_cmd, .cmd = _cmd

static const struct call calls[] = {
	{ CALL(PPC_IOC_FEATURES), ON_DEV, NULL },
	{ CALL(PPC_IOC_ATTACH), ON_DEV, fill_attach, {
		FIELD(ppc_attach, flags, FLAGS), FIELD(ppc_attach, policy, NAME),
		FIELD(ppc_attach, fds, POINTER), FIELD(ppc_attach, nr_fds, NUMBER),
		FIELD(ppc_attach, pid, NUMBER), FIELD(ppc_attach, budget, NUMBER),
		FIELD(ppc_attach, keep_budget, NUMBER), FIELD(ppc_attach, max_resident, NUMBER) } },
	{ CALL(PPC_IOC_ADD_FILES), ON_ANY, fill_add, {
		FIELD(ppc_files, fds, POINTER), FIELD(ppc_files, nr, NUMBER),
		FIELD(ppc_files, first, ZERO) } },
	{ CALL(PPC_IOC_REMOVE_FILES), ON_ANY, fill_remove, {
		FIELD(ppc_files, fds, POINTER), FIELD(ppc_files, nr, NUMBER),
		FIELD(ppc_files, first, ZERO) } },
	{ CALL(PPC_IOC_DETACH), ON_ANY, NULL },
	{ CALL(PPC_IOC_STATS), ON_ANY, NULL },
	{ CALL(MAIO_IOC_RECORD_START), ON_MAIO, NULL },
	{ CALL(MAIO_IOC_RECORD_STOP), ON_MAIO, NULL },
	{ CALL(MAIO_IOC_GET_TEMPLATE), ON_MAIO, fill_get_template, {
		FIELD(maio_template_io, buf, POINTER), FIELD(maio_template_io, len, NUMBER) } },
	{ CALL(MAIO_IOC_SET_TEMPLATE), ON_MAIO, fill_set_template, {
		FIELD(maio_template_io, buf, POINTER), FIELD(maio_template_io, len, NUMBER) } },
	{ CALL(MAIO_IOC_REPLAY_START), ON_MAIO, NULL },
	{ CALL(MAIO_IOC_REPLAY_STOP), ON_MAIO, NULL },
	{ CALL(MAIO_IOC_SET_MODE), ON_MAIO, fill_mode, {
		FIELD(maio_mode_args, mode, NUMBER), FIELD(maio_mode_args, node, NUMBER),
		FIELD(maio_mode_args, gap, NUMBER) } },
	{ CALL(MAIO_IOC_STATUS), ON_MAIO, NULL },
	{ CALL(MAIO_IOC_GROUP), ON_MAIO, fill_group, {
		FIELD(maio_group_info, group, NUMBER) } },
	{ CALL(MAIO_IOC_BIND), ON_MAIO, fill_bind, {
		FIELD(maio_bind, group, NUMBER), FIELD(maio_bind, pid, NUMBER),
		FIELD(maio_bind, node, NUMBER), FIELD(maio_bind, reserved, ZERO) } },
	{ CALL(PPC_TEST_IOC_COUNTS), ON_TEST, NULL },
	{ CALL(PPC_TEST_IOC_RESET), ON_TEST, NULL },
	{ CALL(PPC_TEST_IOC_ANSWER), ON_TEST, fill_answer },
	{ CALL(PPC_TEST_IOC_RULE), ON_TEST, fill_rule, {
		FIELD(ppc_test_rule, file, NUMBER), FIELD(ppc_test_rule, verdict, NUMBER),
		FIELD(ppc_test_rule, reasons, NUMBER), FIELD(ppc_test_rule, pos, NUMBER),
		FIELD(ppc_test_rule, len, NUMBER) } },
	{ CALL(PPC_TEST_IOC_STREAM), ON_TEST, fill_stream, {
		FIELD(ppc_test_stream, ranges, POINTER), FIELD(ppc_test_stream, nr, NUMBER),
		FIELD(ppc_test_stream, node, NUMBER), FIELD(ppc_test_stream, burn, NUMBER),
		FIELD(ppc_test_stream, gap, NUMBER) } },
	{ CALL(PPC_TEST_IOC_OP), ON_TEST, fill_op, {
		FIELD(ppc_test_op, stream, NUMBER), FIELD(ppc_test_op, op, NUMBER) } },
	{ CALL(PPC_TEST_IOC_FEED), ON_TEST, fill_feed, {
		FIELD(ppc_test_feed, stream, NUMBER), FIELD(ppc_test_feed, type, NUMBER),
		FIELD(ppc_test_feed, file, NUMBER), FIELD(ppc_test_feed, pos, NUMBER),
		FIELD(ppc_test_feed, len, NUMBER) } },
};

const unsigned int fuzz_nr_calls = ARRAY_LEN(calls);

const char *fuzz_call_name(unsigned int call)
{
	return calls[call].name;
}

/* Each may end what others have begun: more is begun than ended. */
unsigned int fuzz_call_weight(unsigned int call)
{
	if (calls[call].cmd == PPC_IOC_ATTACH)
		return 8;
	return calls[call].cmd == PPC_IOC_DETACH ? 1 : 3;
}

static void mutate_field(struct fuzz *f, const struct call *call, bool *invalid)
{
	const struct field *field;
	unsigned int nr = 0, i;
	__u64 value = fuzz_odd_number(f);

	while (nr < ARRAY_LEN(call->fields) && call->fields[nr].len)
		nr++;
	if (!nr)
		return;
	field = &call->fields[fuzz_below(&f->rng, nr)];
	/* It may even become valid by another field. */
	*invalid = false;
	switch (field->kind) {
	case NUMBER:
		break;
	case ZERO:
		value |= 1ULL << fuzz_below(&f->rng, 32);
		*invalid = true;
		break;
	case FLAGS:
		value |= 2ULL << fuzz_below(&f->rng, 63);
		*invalid = true;
		break;
	case POINTER:
		value = (uintptr_t)odd_pointer(f);
		break;
	case NAME:
		for (i = 0; i < field->len; i++)
			if (fuzz_one_in(&f->rng, 3))
				f->arg[field->at + i] = fuzz_next(&f->rng);
		return;
	}
	memcpy(f->arg + field->at, &value, field->len);
}

/* Another size, as an older or newer program would have, or one that is of nobody. */
static unsigned long mutate_size(struct fuzz *f, unsigned long cmd)
{
	const size_t is = _IOC_SIZE(cmd);
	const size_t sizes[] = { 0, is / 2, is - 1, is + 1, is + 8, 2 * is, _IOC_SIZEMASK,
				 fuzz_below(&f->rng, _IOC_SIZEMASK + 1) };
	const size_t size = sizes[fuzz_below(&f->rng, ARRAY_LEN(sizes))] & _IOC_SIZEMASK;

	if (size > is)
		memset(f->arg + is, fuzz_one_in(&f->rng, 2) ? 0 : 0xff, size - is);
	return ppc_sized(cmd, size);
}

static unsigned long mutate_number(struct fuzz *f, unsigned long cmd)
{
	switch (fuzz_below(&f->rng, 3)) {
	case 0:
		return cmd ^ (1UL << (_IOC_DIRSHIFT + fuzz_below(&f->rng, 2)));
	case 1:
		return cmd ^ (1UL << (_IOC_TYPESHIFT + fuzz_below(&f->rng, 8)));
	}
	return (cmd & ~(unsigned long)_IOC_NRMASK) | fuzz_below(&f->rng, 256);
}

/* The fd that a call is for; -1 if there is none. */
static int target(struct fuzz *f, const struct call *call, struct fuzz_att *att)
{
	int policy = -1;

	if (fuzz_one_in(&f->rng, 12))
		return fuzz_pick_fd(f);
	if (call->on == ON_DEV)
		return fuzz_dev;
	if (call->on != ON_ANY)
		policy = call->on == ON_MAIO ? FUZZ_MAIO : FUZZ_TEST;
	/* It may be gone already, or of the other policy. */
	if (!fuzz_att_get(f, policy, att)) {
		fuzz_load(f);
		if (!fuzz_att_get(f, policy, att))
			return -1;
	}
	return att->fd;
}

static bool template_whole(const struct fuzz *f)
{
	const struct maio_template_io *io = (void *)f->arg;
	struct maio_template_header *header = (void *)(f->arg + FUZZ_TEMPLATE);
	const __u32 crc = header->crc;

	header->crc = 0;
	return io->len <= MB && ppc_crc32(header, io->len) == crc;
}

static void succeeded(struct fuzz *f, const struct call *call, struct fuzz_att *att, int fd,
		      int ret, bool valid)
{
	if (fd == fuzz_dev) {
		/* However it was called, what came of it is an attachment. */
		if (ret > 0) {
			if (!valid || call->cmd != PPC_IOC_ATTACH)
				*att = (struct fuzz_att){ .policy = FUZZ_UNKNOWN };
			att->fd = ret;
			fuzz_att_put(f, att);
		}
		return;
	}
	if (!valid)
		return;
	if (call->fill == fill_add || call->fill == fill_remove || call->fill == fill_stream)
		fuzz_att_update(att);
	if (call->fill == fill_get_template && !template_whole(f))
		fuzz_broken("a template was got whose checksum is wrong", fd);
}

void fuzz_ioctl(struct fuzz *f, unsigned int number)
{
	const struct call *call = &calls[number];
	struct fuzz_att att = { .policy = FUZZ_UNKNOWN };
	bool invalid = false, valid = false;
	unsigned long cmd = call->cmd;
	int fd = target(f, call, &att), ret, err;
	void *arg = f->arg;

	memset(arg, 0, _IOC_SIZE(cmd));
	if (call->fill)
		call->fill(f, &att, arg, &invalid);
	switch (fuzz_below(&f->rng, 16)) {
	case 0:
		cmd = mutate_size(f, cmd);
		/* What makes it invalid may be gone with the rest. */
		invalid = false;
		break;
	case 1:
		cmd = mutate_number(f, cmd);
		invalid = false;
		break;
	case 2:
		arg = odd_pointer(f);
		invalid = false;
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		mutate_field(f, call, &invalid);
		break;
	case 7:
		/* Valid, and memory ends right behind it. */
		arg = f->arg + FUZZ_END - _IOC_SIZE(cmd);
		memcpy(arg, f->arg, _IOC_SIZE(cmd));
		break;
	default:
		valid = true;
	}

	ret = ioctl(fd, cmd, arg);
	err = ret < 0 ? errno : 0;
	if (_IOC_NR(cmd) == _IOC_NR(call->cmd))
		fuzz_count(number, err);
	if (ret >= 0 && invalid && _IOC_NR(cmd) == _IOC_NR(call->cmd))
		fuzz_broken(call->name, ret);
	if (ret >= 0)
		succeeded(f, call, &att, fd, ret, valid);
	/* Of what has ended, little can be learned. */
	else if (err == ENODEV && fuzz_one_in(&f->rng, 2) && fuzz_att_take(f, &att))
		close(att.fd);
}

/* One that is meant to succeed. */
static int call_valid(struct fuzz *f, unsigned long cmd, struct fuzz_att *att)
{
	unsigned int number = 0;
	bool invalid = false;
	int ret;

	while (calls[number].cmd != cmd)
		number++;
	memset(f->arg, 0, _IOC_SIZE(cmd));
	if (calls[number].fill)
		calls[number].fill(f, att, f->arg, &invalid);
	ret = ioctl(cmd == PPC_IOC_ATTACH ? fuzz_dev : att->fd, cmd, f->arg);
	if (ret < 0)
		ret = -errno;
	fuzz_count(number, ret < 0 ? -ret : 0);
	return ret;
}

/* The way a load goes, so that others find attachments with something under way. */
int fuzz_load(struct fuzz *f)
{
	struct fuzz_att att;
	int tries, ret = call_valid(f, PPC_IOC_ATTACH, &att);

	if (ret < 0)
		return ret;
	att.fd = ret;
	if (att.policy == FUZZ_MAIO) {
		for (tries = 0; tries < 4; tries++) {
			ret = call_valid(f, MAIO_IOC_SET_TEMPLATE, &att);
			if (!ret)
				break;
		}
		call_valid(f, MAIO_IOC_SET_MODE, &att);
		if (fuzz_one_in(&f->rng, 3))
			call_valid(f, MAIO_IOC_RECORD_START, &att);
		ret = ret ?: call_valid(f, MAIO_IOC_REPLAY_START, &att);
		if (!ret) {
			call_valid(f, MAIO_IOC_GROUP, &att);
			call_valid(f, MAIO_IOC_BIND, &att);
		}
	} else {
		ret = call_valid(f, PPC_TEST_IOC_STREAM, &att);
		call_valid(f, PPC_TEST_IOC_ANSWER, &att);
		if (ret >= 0)
			ret = call_valid(f, PPC_TEST_IOC_OP, &att);
	}
	fuzz_att_put(f, &att);
	return ret < 0 ? ret : 0;
}

/* A plain attachment, for other operations; its fd or -errno. */
int fuzz_attach(enum fuzz_policy policy, const int *fds, unsigned int nr)
{
	struct ppc_attach args = { .fds = (uintptr_t)fds, .nr_fds = nr };
	int ret;

	snprintf(args.policy, sizeof(args.policy), "%s",
		 policy == FUZZ_MAIO ? "maio" : PPC_TEST_POLICY);
	ret = ioctl(fuzz_dev, PPC_IOC_ATTACH, &args);
	return ret < 0 ? -errno : ret;
}
