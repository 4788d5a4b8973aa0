// An organisation made of the npm package `sip` alone: it takes sessions and messages over mutual TLS, and sends what
// it is told to.
//
// node npm_sip.js ADDRESS PORT FQDN CHAIN KEY ROOTS
// In:  one request a line, as tab-separated METHOD URI FROM HOST ADDRESS PORT TEXT; all of one run to the same HOST
// Out: `ready`, then `got METHOD URI TEXT`, `answer STATUS`, `failed REASON` as they happen
'use strict';
const fs = require('fs');
const readline = require('readline');
const tls = require('tls');
const sip = require('sip');

const [address, port, fqdn, chain, key, roots] = process.argv.slice(2);
const options = {
  cert: fs.readFileSync(chain), key: fs.readFileSync(key), ca: fs.readFileSync(roots),
  requestCert: true, rejectUnauthorized: true,
};
const imSession = ['v=0', `o=- 0 0 IN IP4 ${address}`, 's=session', `c=IN IP4 ${address}`, 't=0 0',
  'm=message 5060 sip null', 'a=accept-types:text/plain', ''].join('\r\n');
let number = 0;

function say(...words) {
  process.stdout.write(words.join('\t') + '\n');
}

// The package swallows what goes wrong with a connection of its own; the name in the certificate is node's to check.
const connect = tls.connect;
tls.connect = (...given) => connect(...given).on('error', (error) => say('failed', error.message));
// Nor does it say when it listens.
const createServer = tls.createServer;
tls.createServer = (...given) => createServer(...given).on('listening', () => say('ready'));

sip.start({address, publicAddress: fqdn, port: Number(port), tls_port: Number(port), udp: false, tcp: false, tls: options},
  (request) => {
    say('got', request.method, request.uri, request.method === 'MESSAGE' ? request.content : '');
    if (request.method === 'ACK') return;
    const known = ['INVITE', 'MESSAGE', 'BYE', 'OPTIONS'].includes(request.method);
    const response = sip.makeResponse(request, known ? 200 : 405, known ? 'OK' : 'Method Not Allowed');
    if (!response.headers.to.params.tag) response.headers.to.params.tag = `npmsip${++number}`;
    if (request.method === 'INVITE') {
      response.headers.contact = [{uri: `sip:npmsip@${fqdn}:${port};transport=tls`}];
      response.headers['content-type'] = 'application/sdp';
      response.content = imSession;
    }
    sip.send(response);
  });

readline.createInterface({input: process.stdin}).on('line', (line) => {
  const [method, uri, from, host, toAddress, toPort, text] = line.split('\t');
  options.servername = host; // the name that is asked for (SNI) and that the certificate must hold
  const request = {
    method, uri,
    headers: {
      to: {uri}, from: {uri: from, params: {tag: `npmsip${++number}`}}, 'call-id': `npmsip-${process.pid}-${number}`,
      cseq: {method, seq: 1}, 'max-forwards': 70, route: [{uri: `sip:${toAddress}:${toPort};transport=tls;lr`}],
    },
  };
  if (method === 'MESSAGE') {
    request.headers['content-type'] = 'text/plain;charset=UTF-8';
    request.content = text;
  }
  sip.send(request, (response) => say('answer', response.status));
}).on('close', () => process.exit(0));
