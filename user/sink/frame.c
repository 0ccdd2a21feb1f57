/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "sink/out.h"

#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

static struct winsize size_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return size;
}

/* Our text is ASCII: a column is a byte. The last line of the screen stays free: it would scroll. */
static void cut_to_size(struct buf *frame, const struct buf *text, struct winsize size)
{
	const char *at = text->data, *end = text->data + text->len;

	for (unsigned row = 0; at < end && row + 1 < size.ws_row; row++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		buf_add(frame, at, n < size.ws_col ? n : size.ws_col);
		buf_puts(frame, CLEAR_LINE "\n");
		at += n + 1;
	}
}

int frame_write(const struct sink_config *config, const struct buf *text, bool last)
{
	struct buf frame = BUF_INIT;
	int r;

	if (text->err)
		return text->err;
	if (!config->live)
		return out_write(config->out, text);
	buf_puts(&frame, HOME);
	if (last) {
		buf_puts(&frame, CLEAR_BELOW);
		buf_add(&frame, text->data, text->len);
	} else {
		cut_to_size(&frame, text, size_of(config->out));
		buf_puts(&frame, CLEAR_BELOW);
	}
	r = out_write(config->out, &frame);
	buf_free(&frame);
	return r;
}

void frame_wrap(struct buf *out, const char *first, const char *text)
{
	size_t indent = strlen(first), column = indent;

	buf_puts(out, first);
	while (*text) {
		size_t n = strcspn(text, " "), start = out->len, width;

		if (column > indent)
			buf_byte(out, ' ');
		width = text_put(out, text, n, TEXT_ANY, false) + (column > indent);
		if (column > indent && column + width > FRAME_COLUMNS) {
			buf_cut(out, start);
			buf_byte(out, '\n');
			buf_fill(out, ' ', indent);
			column = indent;
			continue;
		}
		column += width;
		text += n + strspn(text + n, " ");
	}
	buf_byte(out, '\n');
}
