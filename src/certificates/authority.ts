/**
 * A certificate authority that vouches for the names of AWS before a job's containers, and for nothing else: its certificate
 * says so. https://www.rfc-editor.org/rfc/rfc5280
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { bits, der, integer, objectId, octets, sequence, set, time, TRUE, utf8 } from './der.js';

/** PEM texts. */
export interface Identity {
  readonly key: string;
  readonly certificate: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3650;
/** What clients take at most. */
const SERVER_DAYS = 397;
/** Clocks differ. */
const EARLIER_MS = DAY_MS;

/** The domains that it may vouch for. */
const DOMAINS = ['amazonaws.com', 'amazonaws.com.cn'];

/** `now` in milliseconds since 1970. */
export function makeAuthority(now: number): Identity {
  const { privateKey, publicKey } = newKeys();
  const name = nameOf(`optml ${randomBytes(4).toString('hex')}`);
  const certificate = certify({
    subject: name,
    publicKey,
    issuer: { name, keys: { privateKey, publicKey } },
    now,
    days: AUTHORITY_DAYS,
    extensions: [
      extension('2.5.29.19', sequence(TRUE), { critical: true }),
      // To sign certificates.
      extension('2.5.29.15', bits(Buffer.from([0x04]), 2), { critical: true }),
      extension('2.5.29.30', sequence(der(0xa0, ...DOMAINS.map(domain => sequence(dnsName(domain))))), {
        critical: true,
      }),
    ],
  });
  return { key: pemOf(privateKey), certificate };
}

/** Whether it will hold for some time to come. */
export function isCurrent({ certificate }: Identity, now: number): boolean {
  return Date.parse(new X509Certificate(certificate).validTo) > now + 30 * DAY_MS;
}

/** Makes certificates for server names, all with one key. A name that it may not vouch for is none's. */
export function certifierOf(authority: Identity): (serverName: string, now: number) => Identity {
  const { subject } = new X509Certificate(authority.certificate);
  const privateKey = createPrivateKey(authority.key);
  const issuer = {
    name: nameOf(subject.replace(/^CN=/, '')),
    keys: { privateKey, publicKey: createPublicKey(privateKey) },
  };
  const own = newKeys();
  const key = pemOf(own.privateKey);
  return (serverName, now) => ({
    key,
    certificate: certify({
      subject: nameOf('optml'),
      publicKey: own.publicKey,
      issuer,
      now,
      days: SERVER_DAYS,
      extensions: [
        extension('2.5.29.19', sequence(), { critical: true }),
        // For digital signatures.
        extension('2.5.29.15', bits(Buffer.from([0x80]), 7), { critical: true }),
        // Of servers.
        extension('2.5.29.37', sequence(objectId('1.3.6.1.5.5.7.3.1'))),
        extension('2.5.29.17', sequence(dnsName(serverName))),
      ],
    }),
  });
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function newKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** PEM, with the end of a line behind it. */
function certify({
  subject,
  publicKey,
  issuer,
  now,
  days,
  extensions,
}: {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly name: Buffer; readonly keys: KeyPair };
  readonly now: number;
  readonly days: number;
  readonly extensions: readonly Buffer[];
}): string {
  const start = now - EARLIER_MS;
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_SHA256,
    issuer.name,
    sequence(time(start), time(start + days * DAY_MS)),
    subject,
    spki(publicKey),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension('2.5.29.14', octets(keyId(publicKey))),
        extension('2.5.29.35', sequence(der(0x80, keyId(issuer.keys.publicKey)))),
      ),
    ),
  );
  const signature = sign('sha256', body, issuer.keys.privateKey);
  const text = sequence(body, ECDSA_SHA256, bits(signature)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(objectId('2.5.4.3'), utf8(commonName))));
}

function extension(id: string, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), octets(value));
}

function dnsName(name: string): Buffer {
  return der(0x82, Buffer.from(name, 'latin1'));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** Names a key; a P-256 point is the last 65 bytes of what says it. */
function keyId(key: KeyObject): Buffer {
  return createHash('sha1').update(spki(key).subarray(-65)).digest();
}
