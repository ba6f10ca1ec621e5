#include "proc.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_line(const char *path, char *line, size_t n)
{
	FILE *f = fopen(path, "r");
	bool ok = f && fgets(line, (int)n, f);

	if (f)
		fclose(f);
	return ok;
}

static void add(struct proc_use *u, const char *name, uint64_t ns)
{
	unsigned i = 0;

	while (i < u->threads && strcmp(u->thread[i].name, name) != 0)
		i++;
	if (i == PROC_NAMES)
		return;
	if (i == u->threads)
		snprintf(u->thread[u->threads++].name, sizeof(u->thread[i].name), "%s", name);
	u->thread[i].ns += ns;
}

static void look(long pid, bool child, struct proc_use *u);

static void look_thread(long pid, const char *tid, bool child, struct proc_use *u)
{
	char path[64], line[1024], name[32], *end;
	unsigned long long ns;
	long kid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/schedstat", pid, tid);
	ns = read_line(path, line, sizeof(line)) ? strtoull(line, NULL, 10) : 0;
	snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/comm", pid, tid);
	if (read_line(path, line, sizeof(line))) {
		end = strchr(line, '\n');
		if (end)
			*end = 0;
		snprintf(name, sizeof(name), "%s%.20s", child ? "worker/" : "", line);
		add(u, name, ns);
	}
	/* A child belongs to the thread that started it. */
	snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/children", pid, tid);
	f = fopen(path, "r");
	while (f && fscanf(f, "%ld", &kid) == 1)
		look(kid, true, u);
	if (f)
		fclose(f);
}

static void look(long pid, bool child, struct proc_use *u)
{
	unsigned long utime, stime, size, resident;
	char path[64], line[1024], *p;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (read_line(path, line, sizeof(line)) && (p = strrchr(line, ')')) &&
	    sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &utime, &stime) == 2)
		u->cpu_ns += (uint64_t)(utime + stime) * (1000000000u / (unsigned)sysconf(_SC_CLK_TCK));
	snprintf(path, sizeof(path), "/proc/%ld/statm", pid);
	if (read_line(path, line, sizeof(line)) && sscanf(line, "%lu %lu", &size, &resident) == 2)
		u->rss_kib += resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			look_thread(pid, e->d_name, child, u);
	if (d)
		closedir(d);
}

void proc_use(long pid, struct proc_use *out)
{
	*out = (struct proc_use){0};
	look(pid, false, out);
}

static int most_first(const void *x, const void *y)
{
	uint64_t a = ((const struct proc_thread *)x)->ns, b = ((const struct proc_thread *)y)->ns;

	return (a < b) - (a > b);
}

void proc_print_threads(const struct proc_use *before, const struct proc_use *after, uint64_t count)
{
	struct proc_use d = *after;

	for (unsigned i = 0; i < d.threads; i++)
		for (unsigned k = 0; k < before->threads; k++)
			if (strcmp(d.thread[i].name, before->thread[k].name) == 0)
				d.thread[i].ns -= before->thread[k].ns < d.thread[i].ns ? before->thread[k].ns : d.thread[i].ns;
	qsort(d.thread, d.threads, sizeof(d.thread[0]), most_first);
	printf("{");
	for (unsigned i = 0; i < d.threads; i++)
		printf("%s\"%s\":%.1f", i ? "," : "", d.thread[i].name, (double)d.thread[i].ns / 1e3 / (double)count);
	printf("}");
}
