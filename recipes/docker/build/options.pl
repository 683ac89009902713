# Prints the long options of turnserver, one per line: NAME and 0 (no value), 1 (value required) or 2 (value optional).
# The input is the preprocessed mainrelay.c. Its admin_long_options belong to turnadmin and are ignored.
use strict;
use warnings;

local $/;
my $source = <>;
$source =~ /(?<!\w)long_options\s*\[\s*\]\s*=\s*\{(.*?)\}\s*;/s or exit 1;
my $table = $1;
my %kind;
$kind{$1} = $2 while $table =~ /\{\s*"([^"]+)"\s*,\s*(\d)/g;
# Every release since 4.5 has over a hundred options. Far fewer mean that the regular expressions no longer match the table.
exit 1 if keys %kind < 50;
print "$_ $kind{$_}\n" for sort keys %kind;
