/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/words.h"

#include <string.h>

#include "base/digits.h"
#include "base/text.h"

const char *obs_kind_slug(enum obs_kind kind)
{
	static const char *const slugs[OBS_KIND_MAX] = {
		[OBS_STATE] = "state",
		[OBS_RST_ACTIVE] = "rst-sent",
		[OBS_RST_REPLY] = "rst-sent-in-reply",
		[OBS_RST_RECEIVED] = "rst-received",
		[OBS_MINI_BORN] = "minisocket",
		[OBS_MINI_EXPIRED] = "minisocket-expired",
		[OBS_MINI_CANCEL] = "minisocket-timer-off",
		[OBS_MINI_KILLED] = "minisocket-killed",
		[OBS_MINI_ARMED] = "minisocket-timer-on",
		[OBS_MINI_FOUND] = "minisocket-found",
		[OBS_MINI_PEEK] = "minisocket-peeked",
		[OBS_DESTROY] = "destroy",
		[OBS_RELEASE] = "close-called",
		[OBS_SNAPSHOT] = "snapshot",
		[OBS_RST_STRAY] = "rst-stray",
		[OBS_OVERFLOW] = "accept-overflow",
		[OBS_REQUEST_GONE] = "request-gone",
	};

	return kind < OBS_KIND_MAX ? slugs[kind] : NULL;
}

const char *tcp_flags_format(uint8_t flags, char *buf)
{
	char *p = buf;

	for (unsigned bit = 0; bit < 8; bit++)
		if (flags & 1u << bit)
			*p++ = "FSRP.UEW"[bit];
	*p = '\0';
	return p == buf ? strcpy(buf, "none") : buf;
}

size_t process_put(struct buf *out, const char *comm, uint32_t pid, size_t columns, bool utf8)
{
	char digits[DIGITS_ROOM];
	size_t n = digits_put(digits, pid);
	size_t room = columns > n + 1 ? columns - n - 1 : 0;
	size_t used = text_put(out, comm, strlen(comm), room, utf8);

	buf_byte(out, ':');
	buf_add(out, digits, n);
	return used + 1 + n;
}
