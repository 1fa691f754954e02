// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of a plot as an SVG path, merged below what can be seen, so that its
 * size is bounded whatever number of lines there are.
 *
 * A line that goes on where the last one ended becomes part of it. The plot is
 * divided into cells as wide as a line, and what lies wholly in cells where
 * something has been drawn before is left out: so nothing is written that does
 * not take at least one cell.
 */
#include <stdlib.h>

#include "maioctl.h"

#define CELL			(2 * TRACE_SCALE)

/* Closer than this is in the same place. */
#define JOIN			(TRACE_SCALE / 2)

/* A line of no length would not be drawn. */
#define DOT			1

static size_t row_cells(const struct trace *t)
{
	return t->width / CELL + 1;
}

/* Take the cells on the way. Return: whether one of them was free. */
static bool take_cells(struct trace *t, int x0, int y0, int x1, int y1)
{
	int dx = x1 - x0, dy = y1 - y0;
	int steps = (abs(dx) > abs(dy) ? abs(dx) : abs(dy)) / CELL + 1;
	bool was_free = false;
	int i;

	for (i = 0; i <= steps; i++) {
		size_t x = (x0 + (long long)dx * i / steps) / CELL;
		size_t y = (y0 + (long long)dy * i / steps) / CELL;
		size_t cell = y * row_cells(t) + x;
		unsigned char bit = 1 << cell % 8;

		if (!(t->taken[cell / 8] & bit))
			was_free = true;
		t->taken[cell / 8] |= bit;
	}
	return was_free;
}

static void put_number(FILE *out, char command, int tenths)
{
	fprintf(out, "%c%d", command, tenths / TRACE_SCALE);
	if (tenths % TRACE_SCALE)
		fprintf(out, ".%d", tenths % TRACE_SCALE);
}

static void put_point(FILE *out, char command, int x, int y)
{
	put_number(out, command, x);
	put_number(out, ' ', y);
}

/* Write the part of the line that has not been. */
static void put_segment(struct trace *t)
{
	if (take_cells(t, t->start_x, t->start_y, t->end_x, t->end_y)) {
		if (!t->pen_down)
			put_point(t->out, 'M', t->start_x, t->start_y);
		if (t->start_x == t->end_x && t->start_y == t->end_y)
			put_point(t->out, 'L', t->end_x + DOT, t->end_y);
		else
			put_point(t->out, 'L', t->end_x, t->end_y);
		t->segments++;
		t->pen_down = true;
	} else {
		t->pen_down = false;
	}
	t->start_x = t->end_x;
	t->start_y = t->end_y;
	t->started = false;
}

static bool apart(int x0, int y0, int x1, int y1, int distance)
{
	return abs(x0 - x1) >= distance || abs(y0 - y1) >= distance;
}

/**
 * trace_init - begin a plot
 * @t: filled in; to be given to trace_free()
 * @width: of the plot, in tenths of a pixel
 * @height: of the plot
 * @out: where to write
 */
void trace_init(struct trace *t, int width, int height, FILE *out)
{
	*t = (struct trace){ .out = out, .width = width, .height = height };
	t->taken = xalloc(row_cells(t) * (height / CELL + 1) / 8 + 1, 1);
}

/* Begin with the lines of one path; what is covered by earlier ones is known. */
void trace_begin(struct trace *t)
{
	t->segments = 0;
	t->started = false;
	t->pen_down = false;
	t->end_x = t->width * 2 + JOIN;
}

/**
 * trace_line - draw a line
 * @t: the plot
 * @x0: where it begins, from 0 to the width
 * @y0: the same, from 0 to the height
 * @x1: where it ends
 * @y1: the same
 */
void trace_line(struct trace *t, int x0, int y0, int x1, int y1)
{
	if (apart(t->end_x, t->end_y, x0, y0, JOIN)) {
		trace_end(t);
		t->start_x = x0;
		t->start_y = y0;
		t->pen_down = false;
	}
	t->end_x = x1;
	t->end_y = y1;
	t->started = true;
	if (apart(t->start_x, t->start_y, x1, y1, CELL))
		put_segment(t);
}

/* The last line of a path has been drawn. */
void trace_end(struct trace *t)
{
	if (t->started)
		put_segment(t);
}

void trace_free(struct trace *t)
{
	free(t->taken);
}
