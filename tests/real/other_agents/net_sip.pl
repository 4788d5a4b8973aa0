#!/usr/bin/perl
# An organisation made of Net::SIP alone: it takes sessions and messages over mutual TLS, and sends what it is told to.
#
# net_sip.pl ADDRESS PORT FQDN CHAIN KEY ROOTS
# In:  one request a line, as tab-separated METHOD URI FROM HOST ADDRESS PORT TEXT
# Out: `ready`, then `got METHOD URI TEXT`, `answer STATUS`, `failed REASON` as they happen
use strict;
use warnings;
use Net::SIP qw(:all);
use Net::SIP::Leg;
use Net::SIP::Dispatcher::Eventloop;

my ($address, $port, $fqdn, $chain, $key, $roots) = @ARGV;
$| = 1;

my $loop = Net::SIP::Dispatcher::Eventloop->new;
my $leg = Net::SIP::Leg->new(
    proto => 'tls', addr => $address, port => $port, host => $fqdn,
    tls => { SSL_cert_file => $chain, SSL_key_file => $key, SSL_ca_file => $roots, verify_client => 1 },
);
my $dispatcher = Net::SIP::Dispatcher->new([$leg], $loop);
my $number = 0;
my %waiting;    # Call-ID => the transaction to end when its answer is there

my $im_session = "v=0\r\no=- 0 0 IN IP4 $address\r\ns=session\r\nc=IN IP4 $address\r\nt=0 0\r\n"
    . "m=message 5060 sip null\r\na=accept-types:text/plain\r\n";

sub say_line { print join("\t", @_), "\n" }

sub take_request {
    my ($packet, $from) = @_;
    my ($method, $uri) = ($packet->method, $packet->uri);
    my ($head, $body) = split /\r\n\r\n/, $packet->as_string, 2;
    say_line('got', $method, $uri, $method eq 'MESSAGE' ? $body : '');
    return if $method eq 'ACK';
    my $to = $packet->get_header('to');
    $to .= ';tag=netsip' . ++$number if $to !~ /;\s*tag=/;
    my %headers = (to => $to);
    my $response;
    if ($method eq 'INVITE') {
        $headers{contact} = "<sip:netsip\@$fqdn:$port;transport=tls>";
        $headers{'content-type'} = 'application/sdp';
        $response = $packet->create_response('200', 'OK', \%headers, $im_session);
    } elsif ($method =~ /^(?:MESSAGE|BYE|OPTIONS)$/) {
        $response = $packet->create_response('200', 'OK', \%headers);
    } else {
        $response = $packet->create_response('405', 'Method Not Allowed', \%headers);
    }
    $leg->deliver($response, $from);
}

$dispatcher->set_receiver(sub {
    my ($packet, $leg, $from) = @_;
    if ($packet->is_request) {
        take_request($packet, $from);
    } elsif ($packet->code >= 200) {
        $dispatcher->cancel_delivery(delete($waiting{ $packet->callid }) // ());
        say_line('answer', $packet->code);
    }
});

sub send_request {
    my ($method, $uri, $from, $host, $to_address, $to_port, $text) = split /\t/, $_[0], 7;
    my $call_id = "netsip-$$-" . ++$number;
    my $request = Net::SIP::Request->new(
        $method, $uri,
        {
            from => "<$from>;tag=netsip$number", to => "<$uri>", 'call-id' => $call_id, cseq => "1 $method",
            'max-forwards' => 70, $method eq 'MESSAGE' ? ('content-type' => 'text/plain;charset=UTF-8') : (),
        },
        $method eq 'MESSAGE' ? $text : undef,
    );
    $waiting{$call_id} = $request->tid;
    $leg->deliver(
        $request,
        { host => $host, addr => $to_address, port => $to_port, family => 2, proto => 'tls' },
        sub { say_line('failed', $_[0]) if $_[0] },
    );
}

my $typed = '';
$loop->addFD(\*STDIN, EV_READ, [ sub {
    my $read = sysread(STDIN, $typed, 65536, length $typed);
    exit 0 if !$read;
    send_request($1) while $typed =~ s/^([^\n]*)\n//;
} ]);
say_line('ready');
$loop->loop;
