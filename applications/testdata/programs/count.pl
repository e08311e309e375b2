#!/usr/bin/perl
# Says how many octets came, and how many were announced.
use strict;
use warnings;

my $n = 0;
while (my $got = sysread STDIN, my $piece, 1 << 20) {
    $n += $got;
}
print "Content-Type: text/plain\n\n$n of $ENV{CONTENT_LENGTH}\n";
