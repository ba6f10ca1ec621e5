/* notify.h - tells a supervisor what the service is doing: datagrams to NOTIFY_SOCKET, as sd_notify(3) describes them.
 *
 * Threads: any. Without a supervisor nothing is sent.
 */
#pragma once

/* state: "READY=1", "STOPPING=1". A supervisor that cannot be reached is none of the service's troubles: nothing is returned. */
void notify(const char *state);
