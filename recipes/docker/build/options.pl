# Prints the long options of turnserver, a line each: NAME and 0 (no value), 1 (value required) or 2 (value optional).
# The input is mainrelay.c after the preprocessor; its admin_long_options belong to turnadmin and are left out.
use strict;
use warnings;

local $/;
my $source = <>;
$source =~ /(?<!\w)long_options\s*\[\s*\]\s*=\s*\{(.*?)\}\s*;/s or exit 1;
my $table = $1;
my %kind;
$kind{$1} = $2 while $table =~ /\{\s*"([^"]+)"\s*,\s*(\d)/g;
# Every release since 4.5 has over a hundred; far fewer means that the table was not understood.
exit 1 if keys %kind < 50;
print "$_ $kind{$_}\n" for sort keys %kind;
