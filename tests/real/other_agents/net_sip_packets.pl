#!/usr/bin/perl
# What Net::SIP makes of messages: net_sip_packets.pl FILE...
# Out: a line for each file, as tab-separated FILE METHOD-OR-STATUS CALL-ID CSEQ FROM TO LENGTH-OF-BODY MEDIA-OF-SDP, or FILE failed REASON
use strict;
use warnings;
use Net::SIP qw(:all);
use Net::SIP::SDP;

for my $file (@ARGV) {
    open(my $in, '<:raw', $file) or die "$file: $!";
    my $octets = do { local $/; <$in> };
    my @seen = eval {
        my $packet = Net::SIP::Packet->new($octets);
        my @head = map { scalar $packet->get_header($_) } qw(call-id cseq from to);
        my $body = ($packet->as_parts)[3];
        my $sdp = ($packet->get_header('content-type') // '') =~ m{^application/sdp} ? Net::SIP::SDP->new($body) : undef;
        my $media = $sdp ? join(',', map { $_->{media} } $sdp->get_media) : '';
        ($packet->is_request ? $packet->method : $packet->code, @head, length($body // ''), $media);
    };
    (my $reason = $@) =~ s/\s+/ /g;
    print join("\t", $file, @seen ? map { $_ // '' } @seen : ('failed', $reason)), "\n";
}
