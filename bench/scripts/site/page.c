/*
 * A CGI program that costs as little as one can (RFC 3875). To a request with a
 * body it says how many bytes came and their sum; to one without, it gives
 * lines of 64 bytes: as many bytes as ?n= says, 1024 without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buf[65536];

static int put(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(1, p, n);
		if (k <= 0)
			return -1;
		p += k;
		n -= k;
	}
	return 0;
}

int main(void)
{
	static const char head[] = "Content-Type: text/plain\nX-Script: page\n\n";
	static const char line[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
	const char *length = getenv("CONTENT_LENGTH"), *query = getenv("QUERY_STRING");
	long want = length ? atol(length) : 0, n = 1024, at;
	size_t used = sizeof head - 1;

	if (want > 0) {
		unsigned long got = 0, sum = 0;
		ssize_t k;
		while (got < (unsigned long)want && (k = read(0, buf, sizeof buf)) > 0) {
			for (ssize_t i = 0; i < k; i++)
				sum += (unsigned char)buf[i];
			got += k;
		}
		int m = snprintf(buf, sizeof buf, "%s%lu bytes, sum %lu\n", head, got, sum);
		return put(buf, m) < 0;
	}
	if (query && strncmp(query, "n=", 2) == 0)
		n = atol(query + 2);
	memcpy(buf, head, used);
	for (at = 0; at < n; at += sizeof line - 1) {
		size_t part = sizeof line - 1;
		if (part > (size_t)(n - at))
			part = n - at;
		if (used + part > sizeof buf) {
			if (put(buf, used) < 0)
				return 1;
			used = 0;
		}
		memcpy(buf + used, line, part);
		used += part;
	}
	return put(buf, used) < 0;
}
