// A whole deployment in memory for the tests: an operator, a signed artifact, real tokens, a real store.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCall, createVerifier, Keyring, prove, signer, type Verifier } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { createAuthorizer, memoryStore, type SyncStore } from '@ambit/state';
import {
  apply,
  checkLayers,
  configuredEntitlements,
  layerOfRevocation,
  measure,
  signModel,
  verifierSeals,
  verifyAttestation,
  type Entitlements,
  type LayerAnswer,
  type LayerName,
  type Manifest,
  type Operator,
  type Registration,
  type VerifiedAttestation,
} from '@ambit/identity';
import { acme, holderKey, holderSecret, issuerSecret, modelSigner } from '../../identity/test/operators.ts';
import {
  issue,
  newSessionId,
  type BindContext,
  type LayerDenial,
  type OpenSession,
  type SessionRequest,
} from '../src/index.ts';

export const T0 = 1_772_373_600;
export const AUDIENCE = 'tools.acme.com';
const holder = signer(holderSecret, nodeProvider);

/** An artifact on disk with its attestation, for every test file once. */
export async function artifact(model = 'agent-v2'): Promise<{ measured: Manifest; text: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'ambit-world-'));
  writeFileSync(join(dir, 'weights.bin'), `weights of ${model}`);
  writeFileSync(join(dir, 'config.json'), '{}');
  const signed = await signModel(dir, model, modelSigner);
  const measured = await measure(dir);
  rmSync(dir, { recursive: true });
  return { measured, text: signed.text };
}

/** What a call came to: the decision of the token, and of the layers when the token allowed it. */
export type Outcome =
  | 'allowed'
  | { readonly code: string; readonly layers?: readonly LayerAnswer[]; readonly refused?: LayerName };

export class World {
  readonly keyring: Keyring = Keyring.create('razorsec-iam-service');
  readonly store: SyncStore = memoryStore({ nowSeconds: () => this.now });
  readonly operators = new Map<string, Registration>();
  readonly verifier: Verifier;
  readonly measured: Manifest;
  readonly attestation: VerifiedAttestation;
  entitlements: Entitlements = configuredEntitlements;
  now: number = T0;

  constructor(model: { measured: Manifest; text: string }, operator: Operator = acme()) {
    this.apply(operator);
    this.measured = model.measured;
    const attestation = verifyAttestation(model.text, operator.config.signers, nodeProvider);
    if (!attestation.ok) throw new Error(attestation.message);
    this.attestation = attestation;
    this.verifier = createVerifier({
      audience: AUDIENCE,
      keys: this.keyring.domainKeys(),
      provider: nodeProvider,
      ...verifierSeals(operator.config),
    });
  }

  /** Puts a configuration in force, a second later when one was put in force in this second. */
  applyLater(operator: Operator): void {
    this.now += 1;
    this.apply(operator);
  }

  apply(operator: Operator): void {
    this.operators.set(operator.id, apply(operator, this.now, this.operators.get(operator.id) ?? null));
  }

  get registration(): Registration {
    return this.operators.get('acme-corp')!;
  }

  get context(): BindContext {
    return {
      registration: this.registration,
      attestation: this.attestation,
      entitlements: this.entitlements,
      revocations: this.store.revocations,
      now: this.now,
    };
  }

  request(over: Partial<SessionRequest> = {}): SessionRequest {
    return {
      user: 'sam',
      session: newSessionId(),
      model: { id: 'agent-v2', measured: this.measured },
      tools: ['web_search', 'read_internal_docs', 'read_customers', 'fs.*', 'ping'],
      data: ['public', 'internal'],
      ...over,
    };
  }

  async open(
    over: Partial<SessionRequest> = {},
    context: Partial<BindContext> = {},
  ): Promise<OpenSession | LayerDenial> {
    const seal = signer(issuerSecret, nodeProvider);
    return issue(
      this.request(over),
      { ...this.context, ...context },
      {
        keyring: this.keyring,
        holder: holderKey,
        seal,
        sessions: this.store.sessions,
      },
    );
  }

  /** A token that was minted; throws when it was not. */
  async token(over: Partial<SessionRequest> = {}): Promise<OpenSession> {
    const opened = await this.open(over);
    if (!opened.ok) throw new Error(`${opened.layer}: ${opened.message}`);
    return opened;
  }

  /** One call, from proof to decision, as a guard does it. */
  async use(token: string, tool: string, verifier: Verifier = this.verifier): Promise<Outcome> {
    const made = parseCall({ tool, args: {} });
    if (!made.ok) return { code: made.code };
    const proof = prove(token, made.call, { audience: AUDIENCE, time: this.now }, holder);
    const verified = verifier.verify({ token, proof, call: made.call, now: this.now });
    if (!verified.ok) return { code: verified.code };
    const { operators, entitlements, store } = this;
    const answer = checkLayers(verified.token, { operators, entitlements }, this.now);
    const { layers } = answer;
    const refused = layers.find((l) => l.answer === 'refused')?.layer;
    if (!answer.ok) return { code: answer.code, layers, ...(refused === undefined ? {} : { refused }) };
    const { data, external } = answer.facts;
    const facts = { now: this.now, external, ...(data === null ? {} : { data }) };
    const { verdict, revocation, session } = await createAuthorizer({ verifier, store }).admit(
      verified.token,
      facts,
    );
    if (verdict.ok) return 'allowed';
    const revoked = revocation.answer === 'refused' ? layerOfRevocation(revocation.kind) : null;
    const state = revoked ?? (session.answer === 'refused' ? 'session' : null);
    return { code: verdict.code, layers, ...(state === null ? {} : { refused: state }) };
  }
}

/** The code of an outcome, or `allowed`. */
export const codeOf = (outcome: Outcome): string => (outcome === 'allowed' ? 'allowed' : outcome.code);
/** The layer that refused, by an outcome. */
export const layerOf = (outcome: Outcome): string =>
  outcome === 'allowed' ? 'none' : (outcome.refused ?? 'token');
