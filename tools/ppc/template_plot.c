// SPDX-License-Identifier: GPL-2.0
/*
 * A template as a picture: where in the files each group reads, over how much
 * it has read before.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "maioctl.h"

/* Pixels. */
#define WIDTH			1120
#define LEFT			92
#define TOP			78
#define PLOT_WIDTH		760
#define PLOT_HEIGHT		460
#define RIGHT			(LEFT + PLOT_WIDTH)
#define BOTTOM			(TOP + PLOT_HEIGHT)
#define LEGEND_TOP		(BOTTOM + 74)
#define LEGEND_ROW		20
#define LEGEND_COLUMN		205
#define LEGEND_COLUMNS		5
#define LEGEND_MAX		30
#define NAME_ROW		14
#define SEPARATOR_ROW		3

/* Characters that have room. */
#define NAME_CHARS		36
#define TITLE_CHARS		100

#define MAX_TICKS		8

/* Those of Okabe and Ito, but for yellow, which white swallows. */
static const char *const colours[] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
	"#000000",
};

/**
 * struct plot - what the parts of the picture have in common
 * @out: where to write
 * @entry: the files
 * @view: the template
 * @base: for each file the bytes of all before it
 * @model_bytes: of all files
 * @group_bytes: for each group what it reads
 * @group_max: the most of these
 * @hidden: for each group whether all of it lies under earlier ones
 */
struct plot {
	FILE *out;
	const struct store_entry *entry;
	const struct template_view *view;
	__u64 *base;
	__u64 model_bytes;
	__u64 *group_bytes;
	__u64 group_max;
	bool *hidden;
};

static void put_xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

/* A name, without its middle if that has no room: shards differ at the end. */
static void put_name(FILE *out, const char *name, size_t max)
{
	char *text = text_escape(name);
	size_t len = strlen(text), half = (max - 3) / 2;

	if (len > max) {
		memcpy(text + half, "...", 3);
		memmove(text + half + 3, text + len - half, half + 1);
	}
	put_xml(out, text);
	free(text);
}

static double scale(__u64 value, __u64 max, int size)
{
	return max ? (double)value / max * size : 0;
}

/* From the bottom, as in a coordinate system. */
static double file_y(const struct plot *p, __u64 pos)
{
	return BOTTOM - scale(pos, p->model_bytes, PLOT_HEIGHT);
}

static void measure(struct plot *p)
{
	const struct template_view *view = p->view;
	__u32 group, i = 0, end = 0;
	struct extent extent;
	size_t f;

	p->base = xalloc(p->entry->nr_files, sizeof(*p->base));
	for (f = 0; f < p->entry->nr_files; f++) {
		p->base[f] = p->model_bytes;
		p->model_bytes += p->entry->files[f].size;
	}
	p->group_bytes = xalloc(view->nr_groups, sizeof(*p->group_bytes));
	p->hidden = xalloc(view->nr_groups, sizeof(*p->hidden));
	for (group = 0; group < view->nr_groups; group++) {
		__u64 *bytes = &p->group_bytes[group];

		end += le32toh(view->groups[group].nr_extents);
		for (; i < end; i++) {
			extent = extent_of(&view->extents[i]);
			*bytes += extent_bytes(view, &extent);
		}
		if (*bytes > p->group_max)
			p->group_max = *bytes;
	}
}

static void put_header(const struct plot *p)
{
	__u32 groups = p->view->nr_groups;
	__u32 shown = groups < LEGEND_MAX ? groups : LEGEND_MAX;
	__u32 rows = (shown + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
	int height = LEGEND_TOP + (rows + (groups > shown)) * LEGEND_ROW + 8;
	char a[BYTES_TEXT_MAX], b[BYTES_TEXT_MAX], when[TIME_TEXT_MAX];
	FILE *out = p->out;

	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n",
		WIDTH, height, WIDTH, height);
	fputs("<title>I/O template of ", out);
	put_name(out, p->entry->service, SERVICE_MAX);
	fprintf(out, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, height);
	fprintf(out, "<text x=\"%d\" y=\"32\" font-size=\"17\" font-weight=\"bold\" fill=\"#111\">",
		LEFT);
	put_name(out, p->entry->service, TITLE_CHARS);
	fprintf(out, "</text>\n<text x=\"%d\" y=\"54\" fill=\"#555\">%u group%s read %s of a model of %s, in %u extent%s; recorded %s</text>\n",
		LEFT, groups, groups == 1 ? "" : "s",
		bytes_text(p->view->bytes, a),
		bytes_text(p->entry->model_bytes, b), p->view->nr_extents,
		p->view->nr_extents == 1 ? "" : "s",
		time_text(p->entry->created, when));
}

/**
 * struct axis - how an axis is divided
 * @step: bytes from one tick to the next, a power of 2
 * @shift: of the unit
 * @unit: its name
 */
struct axis {
	__u64 step;
	int shift;
	const char *unit;
};

static struct axis axis_divide(__u64 max)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	struct axis axis = { .step = 1, .unit = units[0] };
	size_t i;

	while (max / axis.step > MAX_TICKS)
		axis.step <<= 1;
	for (i = 1; i < ARRAY_SIZE(units) && axis.step >> (10 * i); i++) {
		axis.shift = 10 * (int)i;
		axis.unit = units[i];
	}
	return axis;
}

static void put_x_axis(const struct plot *p)
{
	struct axis axis = axis_divide(p->group_max);
	__u64 tick;

	for (tick = 0; tick <= p->group_max / axis.step; tick++) {
		const __u64 at = tick * axis.step;
		double x = LEFT + scale(at, p->group_max, PLOT_WIDTH);

		fprintf(p->out, "<path d=\"M%.1f %dv%d\" stroke=\"#eee\"/><path d=\"M%.1f %dv5\" stroke=\"#555\"/>",
			x, TOP, PLOT_HEIGHT, x, BOTTOM);
		fprintf(p->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%llu</text>\n",
			x, BOTTOM + 20, at >> axis.shift);
	}
	fprintf(p->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">read by the group so far (%s)</text>\n",
		LEFT + PLOT_WIDTH / 2, BOTTOM + 42, axis.unit);
}

static void put_y_axis(const struct plot *p)
{
	struct axis axis = axis_divide(p->model_bytes);
	__u64 tick;

	for (tick = 0; tick <= p->model_bytes / axis.step; tick++) {
		const __u64 at = tick * axis.step;
		double y = file_y(p, at);

		fprintf(p->out, "<path d=\"M%d %.1fh-5\" stroke=\"#555\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%llu</text>\n",
			LEFT, y, LEFT - 9, y + 4, at >> axis.shift);
	}
	fprintf(p->out, "<text transform=\"translate(34 %d)rotate(-90)\" text-anchor=\"middle\">offset, files stacked (%s)</text>\n",
		TOP + PLOT_HEIGHT / 2, axis.unit);
}

/* Lines between the files, and their names, as far as there is room. */
static void put_files(const struct plot *p)
{
	double line = BOTTOM, name = BOTTOM + NAME_ROW;
	size_t i, named = 0;

	for (i = 0; i < p->entry->nr_files; i++) {
		const struct file_id *id = &p->entry->files[i];
		double low = file_y(p, p->base[i]);
		double high = file_y(p, p->base[i] + id->size);
		double middle = (low + high) / 2 + 4;

		if (line - high >= SEPARATOR_ROW) {
			fprintf(p->out, "<path d=\"M%d %.1fh%d\" stroke=\"#bbb\"/>\n",
				LEFT, high, PLOT_WIDTH + 8);
			line = high;
		}
		if (name - middle < NAME_ROW)
			continue;
		fprintf(p->out, "<text x=\"%d\" y=\"%.1f\" font-size=\"11\">",
			RIGHT + 12, middle);
		put_name(p->out, id->path, NAME_CHARS);
		fputs("</text>\n", p->out);
		name = middle;
		named++;
	}
	if (named < p->entry->nr_files)
		fprintf(p->out, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#777\">%zu of %zu files are named</text>\n",
			RIGHT + 12, TOP - 12, named, p->entry->nr_files);
}

static void put_extent(const struct plot *p, struct trace *t, __u32 i,
		       __u64 *done)
{
	const int width = PLOT_WIDTH * TRACE_SCALE;
	const int height = PLOT_HEIGHT * TRACE_SCALE;
	const struct extent extent = extent_of(&p->view->extents[i]);
	const __u64 start = p->base[extent.file] + (extent.start << MAIO_EXTENT_SHIFT);
	const __u64 bytes = extent_bytes(p->view, &extent);

	trace_line(t, (int)scale(*done, p->group_max, width),
		   height - (int)scale(start, p->model_bytes, height),
		   (int)scale(*done + bytes, p->group_max, width),
		   height - (int)scale(start + bytes, p->model_bytes, height));
	*done += bytes;
}

static void put_groups(const struct plot *p)
{
	__u32 group, i = 0, end = 0;
	struct trace t;

	trace_init(&t, PLOT_WIDTH * TRACE_SCALE, PLOT_HEIGHT * TRACE_SCALE,
		   p->out);
	fprintf(p->out, "<g transform=\"translate(%d %d)\" fill=\"none\" stroke-width=\"2\" stroke-linecap=\"square\">\n",
		LEFT, TOP);
	for (group = 0; group < p->view->nr_groups; group++) {
		__u64 done = 0;

		fprintf(p->out, "<path stroke=\"%s\" d=\"",
			colours[group % ARRAY_SIZE(colours)]);
		end += le32toh(p->view->groups[group].nr_extents);
		trace_begin(&t);
		for (; i < end; i++)
			put_extent(p, &t, i, &done);
		trace_end(&t);
		fputs("\"/>\n", p->out);
		p->hidden[group] = !t.segments;
	}
	fputs("</g>\n", p->out);
	trace_free(&t);
}

static void put_legend(const struct plot *p)
{
	__u32 group;
	char buf[BYTES_TEXT_MAX];

	for (group = 0; group < p->view->nr_groups; group++) {
		int x = LEFT + (int)(group % LEGEND_COLUMNS) * LEGEND_COLUMN;
		int y = LEGEND_TOP + (int)(group / LEGEND_COLUMNS) * LEGEND_ROW;

		if (group == LEGEND_MAX) {
			fprintf(p->out, "<text x=\"%d\" y=\"%d\">and %u more groups</text>\n",
				LEFT, y, p->view->nr_groups - group);
			break;
		}
		fprintf(p->out, "<path d=\"M%d %dh18\" stroke=\"%s\" stroke-width=\"4\"/><text x=\"%d\" y=\"%d\">group %u: %s%s</text>\n",
			x, y - 4, colours[group % ARRAY_SIZE(colours)], x + 25,
			y, group, bytes_text(p->group_bytes[group], buf),
			p->hidden[group] ? ", hidden" : "");
	}
}

/**
 * template_plot - draw a template as SVG
 * @entry: what it is for
 * @view: the template
 * @out: where to write; errors stay there for ferror()
 *
 * However large the template, the picture stays below some MB.
 */
void template_plot(const struct store_entry *entry,
		   const struct template_view *view, FILE *out)
{
	struct plot p = { .out = out, .entry = entry, .view = view };

	measure(&p);
	put_header(&p);
	put_x_axis(&p);
	put_y_axis(&p);
	put_files(&p);
	put_groups(&p);
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#555\"/>\n",
		LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT);
	put_legend(&p);
	fputs("</svg>\n", out);
	free(p.base);
	free(p.group_bytes);
	free(p.hidden);
}
