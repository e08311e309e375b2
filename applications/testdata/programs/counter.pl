#!/usr/bin/perl
# Counts in a file, with a lock.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock :seek);

sysopen my $f, "$ENV{DATA}/count", O_RDWR | O_CREAT or die "open: $!";
flock $f, LOCK_EX or die "flock: $!";
my $n = <$f> // 0;
seek $f, 0, SEEK_SET;
print $f ++$n . "\n";
close $f or die "close: $!";
print "Content-Type: text/plain\nCache-Control: no-store\n\n$n\n";
