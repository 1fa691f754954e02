// SPDX-License-Identifier: GPL-2.0
/*
 * What a service manager is told: datagrams to the socket named in the
 * environment, as sd_notify(3) describes them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "maioctl.h"

/**
 * sd_notify - tell the service manager, if there is one
 * @fmt: assignments, one a line, as "READY=1"
 *
 * That it could not be told is no reason to stop working.
 */
void sd_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[512];
	va_list ap;
	size_t len;
	int fd;

	len = path ? strlen(path) : 0;
	if (!len || len >= sizeof(addr.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')	/* a name that no file has */
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	       (struct sockaddr *)&addr,
	       offsetof(struct sockaddr_un, sun_path) + len);
	close(fd);
}

/**
 * sd_watchdog_ms - how often does the service manager want to hear of us?
 *
 * Return: half of the time after which it loses patience, in milliseconds; 0
 * when it does not wait.
 */
__u64 sd_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	__u64 value;

	if (pid && (decimal_parse(&pid, &value) || *pid ||
		    value != (__u64)getpid()))
		return 0;
	if (!usec || decimal_parse(&usec, &value) || *usec || !value)
		return 0;
	return value < 2000 ? 1 : value / 2000;
}
