// The peers, doing equivalent work on equivalent authority: from the text on the wire to a decision about one call.
// Each is used as its documentation says, with keys prepared once where it lets one. What a peer cannot do stands in
// its row: bearer (anyone who has the text can use it), no narrowing by the holder, no proof for each call.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import type { Candidate } from './measure.ts';
import { NOW } from './sample.ts';

const require = createRequire(import.meta.url);

/** A peer: what is measured, its size on the wire, and its limits. */
export interface Peer {
  readonly candidate: Candidate;
  /** Characters on the wire for one call, everything that has to be sent. */
  readonly characters: number;
  readonly limits: string;
}

const TOOLS = ['web_search', 'read_internal_docs'];
const DENY = ['external_email', 'file_write', 'code_exec'];
const must = (ok: unknown): void => {
  if (ok !== true) throw new Error('bench: a peer refused what it should allow');
};

/** First-party caveats as texts, and the check a service writes for them. */
const caveatTexts = (n: number): string[] =>
  Array.from(
    { length: n },
    (_, i) =>
      [
        `tool = ${TOOLS.join(',')}`,
        `time < ${NOW + 1700 - i}`,
        `deny = code_exec`,
        'data = public,internal:research',
        'aud = search.acme.com',
      ][i % 5]!,
  );
function holds(caveat: string): boolean {
  const at = caveat.indexOf(' ');
  const name = caveat.slice(0, at);
  const value = caveat.slice(at + 3);
  if (name === 'tool') return value.split(',').includes('web_search');
  if (name === 'time') return NOW < Number(value);
  if (name === 'deny') return !value.split(',').includes('web_search');
  if (name === 'data') return value.split(',').includes('public');
  return name === 'aud' && value === 'search.acme.com';
}

/** The same authority as JWT claims, and its check. */
const claims = (n: number): Record<string, unknown> => ({
  iss: 'iam.acme.com', sub: 'analyst-jane@acme.com', aud: 'search.acme.com', sid: 'agt-2026-03-01-a7f3e2',
  tools: TOOLS, deny: DENY, data: ['public', 'internal:research'], caveats: caveatTexts(n),
}); // prettier-ignore
const clears = (c: Record<string, unknown>): boolean =>
  (c['tools'] as string[]).includes('web_search') && !(c['deny'] as string[]).includes('web_search') &&
  (c['data'] as string[]).includes('public') && (c['caveats'] as string[]).every(holds); // prettier-ignore

interface Macaroon {
  addFirstPartyCaveat(text: string): void;
  exportJSON(): unknown;
  verify(key: Uint8Array, check: (text: string) => string | null): void;
}

function macaroon(n: number): Peer {
  const lib = require('macaroon') as {
    newMacaroon(o: object): Macaroon;
    importMacaroon(x: unknown): Macaroon;
  };
  const rootKey = new Uint8Array(32).fill(5);
  const m = lib.newMacaroon({ version: 2, rootKey, identifier: 'agt-2026-03-01-a7f3e2', location: 'acme' });
  for (const text of caveatTexts(n)) m.addFirstPartyCaveat(text);
  // Its binary export doubles a buffer with each caveat and fails from the fourth on; JSON is what works.
  const wire = JSON.stringify(m.exportJSON());
  const check = (text: string): string | null => (holds(text) ? null : 'no');
  return {
    candidate: { name: `macaroon 3.0.4, ${n} caveats`, run: (times) => { for (let i = 0; i < times; i++) lib.importMacaroon(JSON.parse(wire)).verify(rootKey, check); } },
    characters: wire.length,
    limits: 'bearer; no proof',
  }; // prettier-ignore
}

function macaroonsJs(n: number): Peer {
  interface Built {
    serialize(): string;
  }
  interface Builder {
    add_first_party_caveat(text: string): Builder;
    getMacaroon(): Built;
  }
  interface VerifierJs {
    satisfyGeneral(check: (text: string) => boolean): VerifierJs;
    isValid(secret: string): boolean;
  }
  const lib = require('macaroons.js') as {
    MacaroonsBuilder: {
      new (location: string, key: string, id: string): Builder;
      deserialize(text: string): Built;
    };
    MacaroonsVerifier: new (m: Built) => VerifierJs;
  };
  const key = 'a root key of thirty-two bytes !';
  let builder = new lib.MacaroonsBuilder('acme', key, 'agt-2026-03-01-a7f3e2');
  for (const text of caveatTexts(n)) builder = builder.add_first_party_caveat(text);
  const wire = builder.getMacaroon().serialize();
  return {
    candidate: { name: `macaroons.js 0.3.9, ${n} caveats`, run: (times) => { for (let i = 0; i < times; i++) must(new lib.MacaroonsVerifier(lib.MacaroonsBuilder.deserialize(wire)).satisfyGeneral(holds).isValid(key)); } },
    characters: wire.length,
    limits: 'bearer; no proof; unmaintained',
  }; // prettier-ignore
}

async function jose(n: number): Promise<Peer[]> {
  const lib = await import('jose');
  const secret = new Uint8Array(32).fill(6);
  const hs = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
  const ed = await lib.generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const agent = await lib.generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await lib.exportJWK(agent.publicKey);
  const jkt = await lib.calculateJwkThumbprint(jwk);
  const body = { ...claims(n), cnf: { jkt } };
  const make = (alg: string, key: Parameters<InstanceType<typeof lib.SignJWT>['sign']>[0]): Promise<string> =>
    new lib.SignJWT(body)
      .setProtectedHeader({ alg })
      .setIssuedAt(NOW)
      .setExpirationTime(NOW + 1800)
      .sign(key);
  const hsToken = await make('HS256', hs);
  const edToken = await make('EdDSA', ed.privateKey);
  const at = { audience: 'search.acme.com', currentDate: new Date(NOW * 1000) };
  const ath = (token: string): string =>
    require('node:crypto').createHash('sha256').update(token).digest('base64url') as string;
  const dpop = (token: string): Promise<string> =>
    new lib.SignJWT({ htm: 'POST', htu: 'https://search.acme.com/call', jti: randomUUID(), ath: ath(token) })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk }).setIssuedAt(NOW).sign(agent.privateKey); // prettier-ignore
  // RFC 9449 section 4.3: signature by the key in the header, its thumbprint, method, URL, token hash.
  const checkProof = async (proof: string, token: string): Promise<void> => {
    const p = await lib.jwtVerify(proof, lib.EmbeddedJWK, { typ: 'dpop+jwt', currentDate: at.currentDate });
    must(
      p.payload['htm'] === 'POST' &&
        p.payload['htu'] === 'https://search.acme.com/call' &&
        p.payload['ath'] === ath(token),
    );
    must((await lib.calculateJwkThumbprint(p.protectedHeader.jwk as object)) === jkt);
  };
  const one = async (
    name: string,
    token: string,
    key: Parameters<typeof lib.jwtVerify>[1],
    proved: boolean,
  ): Promise<Peer> => {
    const proof = proved ? await dpop(token) : '';
    return {
      candidate: {
        name,
        run: async (times) => {
          for (let i = 0; i < times; i++) {
            const { payload } = await lib.jwtVerify(token, key, at);
            must(clears(payload));
            if (proved) await checkProof(proof, token);
          }
        },
      },
      characters: token.length + proof.length,
      limits: proved ? 'no narrowing; the proof does not cover the body' : 'bearer; no narrowing; no proof',
    };
  };
  return [
    await one(`jose 6 HS256, ${n} caveats`, hsToken, hs, false),
    await one(`jose 6 EdDSA, ${n} caveats`, edToken, ed.publicKey, false),
    await one(`jose 6 HS256 + DPoP-style proof, ${n} caveats`, hsToken, hs, true),
    await one(`jose 6 EdDSA + DPoP-style proof, ${n} caveats`, edToken, ed.publicKey, true),
  ];
}

function fastJwt(n: number): Peer {
  const lib = require('fast-jwt') as typeof import('fast-jwt');
  const key = Buffer.alloc(32, 6);
  const token = lib.createSigner({ key, clockTimestamp: NOW * 1000 })({ ...claims(n), exp: NOW + 1800 });
  const verify = lib.createVerifier({
    key,
    allowedAud: 'search.acme.com',
    clockTimestamp: NOW * 1000,
    algorithms: ['HS256'],
  });
  return {
    candidate: { name: `fast-jwt 6 HS256, ${n} caveats`, run: (times) => { for (let i = 0; i < times; i++) must(clears(verify(token) as Record<string, unknown>)); } },
    characters: token.length,
    limits: 'bearer; no narrowing; no proof',
  }; // prettier-ignore
}

/* biscuit-wasm needs `--experimental-wasm-modules`; the suite's script passes it. */
async function biscuit(n: number): Promise<Peer> {
  // Its glue calls an initializer that expects the Web Cryptography global, which Node 20 has.
  const lib = (await import('@biscuit-auth/biscuit-wasm')) as unknown as {
    KeyPair: new (algorithm?: unknown) => { getPrivateKey(): unknown; getPublicKey(): unknown };
    SignatureAlgorithm?: { Ed25519: unknown };
    biscuit: (parts: TemplateStringsArray) => { build(key: unknown): { toBase64(): string } };
    block: (parts: TemplateStringsArray | string[]) => unknown;
    Biscuit: { fromBase64(text: string, key: unknown): { toBase64(): string } };
    AuthorizerBuilder?: new () => {
      addCode(code: string): void;
      buildAuthenticated(b: unknown): { authorizeWithLimits(limits: object): unknown; free?(): void };
    };
  };
  const pair = new lib.KeyPair(lib.SignatureAlgorithm?.Ed25519);
  const checks = Array.from({ length: n }, (_, i) => [
    'check if operation($op), ["web_search", "read_internal_docs"].contains($op)', 'check if time($t), $t < 2030-01-01T00:00:00Z',
    'check if operation($op), !["code_exec"].contains($op)', 'check if data($d), ["public", "internal:research"].contains($d)',
    'check if audience("search.acme.com")'][i % 5]!); // prettier-ignore
  const source =
    ['user("analyst-jane@acme.com")', 'session("agt-2026-03-01-a7f3e2")', ...checks].join(';\n') + ';';
  const template = Object.assign([source], { raw: [source] }) as unknown as TemplateStringsArray;
  const wire = lib.biscuit(template).build(pair.getPrivateKey()).toBase64();
  const facts =
    'operation("web_search"); time(2026-03-01T14:05:00Z); data("public"); audience("search.acme.com"); allow if true;';
  const key = pair.getPublicKey();
  return {
    candidate: {
      name: `biscuit-wasm 0.6.0, ${n} checks in one block`,
      run: (times) => {
        for (let i = 0; i < times; i++) {
          const builder = new lib.AuthorizerBuilder!();
          builder.addCode(facts);
          const authorizer = builder.buildAuthenticated(lib.Biscuit.fromBase64(wire, key));
          // Its default limit of 1 ms is too short for a busy machine; the work is the same.
          authorizer.authorizeWithLimits({ max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 });
          authorizer.free?.();
        }
      },
    },
    characters: wire.length,
    limits: 'bearer; no proof; its memory grows as it runs',
  };
}

async function ucanto(): Promise<Peer> {
  const [{ ed25519 }, core, validator] = await Promise.all([
    import('@ucanto/principal'),
    import('@ucanto/core'),
    import('@ucanto/validator'),
  ]);
  const [issuer, agent, service] = await Promise.all([
    ed25519.generate(),
    ed25519.generate(),
    ed25519.generate(),
  ]);
  const search = validator.capability({ can: 'web/search', with: validator.URI.match({ protocol: 'did:' }) });
  const proof = await core.delegate({
    issuer,
    audience: agent,
    capabilities: [{ can: 'web/search', with: issuer.did() }],
    expiration: Infinity,
  });
  const invocation = await search
    .invoke({ issuer: agent, audience: service, with: issuer.did(), proofs: [proof], expiration: Infinity })
    .delegate();
  const archive = (await invocation.archive()).ok!;
  const authority = service;
  return {
    candidate: {
      name: 'ucanto 10, invocation + 1 delegation',
      run: async (times) => {
        for (let i = 0; i < times; i++) {
          const { ok: opened } = await core.Delegation.extract(archive);
          const result = await validator.access(opened as never, {
            capability: search as never,
            principal: ed25519.Verifier,
            authority,
            validateAuthorization: () => ({ ok: {} }),
          });
          must(result.error === undefined);
        }
      },
    },
    characters: Math.ceil((archive.length * 4) / 3),
    limits: 'invocation is signed, so it proves; no replay protection; no budgets',
  };
}

/** Every peer that runs here; `skipped` says which did not and why. */
export async function peers(n: number): Promise<{ found: Peer[]; skipped: string[] }> {
  const found: Peer[] = [];
  const skipped: string[] = [];
  const makers: readonly (readonly [string, () => Peer | Peer[] | Promise<Peer | Peer[]>])[] = [
    ['macaroon', () => macaroon(n)],
    ['macaroons.js', () => macaroonsJs(n)],
    ['jose', () => jose(n)],
    ['fast-jwt', () => fastJwt(n)],
    ['biscuit-wasm', () => biscuit(n)],
    ['ucanto', () => ucanto()],
  ];
  for (const [name, make] of makers) {
    try {
      const made = [await make()].flat();
      // One run before it counts as working.
      for (const { candidate } of made) await candidate.run(1);
      found.push(...made);
    } catch (error) {
      skipped.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { found, skipped };
}
