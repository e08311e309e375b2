#!/usr/bin/perl
# The classic: a form handler that parses what it gets by hand.
use strict;
use warnings;

my %form;
my $in = $ENV{QUERY_STRING} // '';
if (($ENV{REQUEST_METHOD} // '') eq 'POST') {
    my $left = $ENV{CONTENT_LENGTH} // 0;
    $in = '';
    while ($left > 0) {
        my $got = read(STDIN, my $piece, $left);
        last unless $got;
        $in .= $piece;
        $left -= $got;
    }
}
for my $pair (split /&/, $in) {
    my ($name, $value) = split /=/, $pair, 2;
    for ($name, $value) {
        $_ //= '';
        tr/+/ /;
        s/%([0-9A-Fa-f]{2})/chr hex $1/eg;
    }
    $form{$name} = defined $form{$name} ? "$form{$name}, $value" : $value;
}
print "Content-type: text/plain; charset=utf-8\r\n\r\n";
print "$_: $form{$_}\n" for sort keys %form;
