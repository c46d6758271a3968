// Records into the log. The recorder gives each its time, its place in its session and the link to the record before
// it, at the moment the entry is written, so that order, time and chain agree and a refused write leaves no hole.
import { readFile } from 'node:fs/promises';
import { equal, fromBase64url, nativeSha256, toBase64url, toHex } from '../core.ts';
import { replaceFile } from '@ambit/files';
import type { LateEntry, Log } from '../log/log.ts';
import { leafHash } from '../merkle/hash.ts';
import { isMissing } from '../tile/source.ts';
import { decodeRecord, encodeRecord, type Encodable } from './codec.ts';
import { RECORD_VERSION, type Draft } from './record.ts';
import { refuseSecrets, scrub } from './secrets.ts';

/** Open sessions whose place is remembered; beyond it the one unused longest is parked, with a record that says so. */
const SESSIONS = 65_536;
/** Bytes that time, place, link and recorder's name may add to a record. */
const LATE_BYTES = 420;

/** What nothing waits for: it shares the flush of the next decision. */
const PATIENT: ReadonlySet<Draft['kind']> = new Set(['outcome', 'ingest']);

interface Place {
  /** Records so far. */
  count: number;
  /** Leaf hash of the last. */
  head: Uint8Array;
}

export interface RecorderOptions {
  /** Name of the enforcement point, written into every record. */
  readonly by?: string;
  /** Unix milliseconds. */
  readonly nowMs?: () => number;
  /** Where the places of open sessions are kept between starts; without it a start reads the whole log. */
  readonly sessionsFile?: string;
}

/** The answer to a record: its index in the log. */
export interface Recorded {
  readonly index: number;
}

/** Anything that takes records: a recorder in this process, or a connection to one (`connect`). */
export interface Sink {
  record(draft: Draft): Promise<Recorded>;
}

export class Recorder implements Sink {
  readonly log: Log;
  readonly #options: RecorderOptions;
  readonly #sessions = new Map<string, Place>();
  #last = 0;

  private constructor(log: Log, options: RecorderOptions) {
    this.log = log;
    this.#options = options;
  }

  /** A recorder on an open log; finds the places of open sessions, and records what opening had to repair. */
  static async open(log: Log, options: RecorderOptions = {}): Promise<Recorder> {
    const recorder = new Recorder(log, options);
    await recorder.#restore();
    const { tornBytes, tornDigest, rewritten } = log.recovery;
    if (tornBytes > 0 || rewritten.some((path) => path.endsWith('(different)'))) {
      const torn =
        tornBytes > 0
          ? `${tornBytes} bytes of an unfinished write were cut (SHA-256 ${tornDigest?.slice(0, 16)}).`
          : '';
      const again =
        rewritten.length > 0
          ? ` ${rewritten.length} files were written again, the first ${rewritten[0]}.`
          : '';
      await recorder.record({
        kind: 'alert',
        alert: { detector: 'audit.recovery', action: 'recovered' },
        reason: `${torn}${again}`.trim(),
      });
    }
    return recorder;
  }

  /**
   * Writes a record; resolves with its index when it is durable. Texts that look like secrets are replaced. Rejects
   * with AmbitError `audit_refused` (not of the schema, or a secret all the same) or `audit_unavailable`.
   */
  async record(draft: Draft, by: string | undefined = this.#options.by): Promise<Recorded> {
    const clean = scrub(draft);
    // Encoded once now, so that an invalid record is refused here and can't stop a flush.
    const trial = encodeRecord({ ...clean, at: 0, v: RECORD_VERSION, by });
    refuseSecrets(trial);
    const parked = this.#park(clean.session);
    const index = await this.#append(clean, trial.length, by);
    await parked;
    return { index };
  }

  #append(draft: Draft, length: number, by: string | undefined): Promise<number> {
    const { session } = draft;
    let before: Place | undefined;
    let lastBefore = 0;
    const entry: LateEntry = {
      bytes: length + LATE_BYTES,
      encode: () => {
        lastBefore = this.#last;
        this.#last = Math.max(this.#last, Math.floor((this.#options.nowMs ?? Date.now)()));
        before = session === undefined ? undefined : this.#sessions.get(session);
        return encodeRecord(this.#complete(draft, by, before));
      },
      hashed: (leaf) => {
        if (session === undefined) return;
        this.#sessions.delete(session);
        if (draft.event === undefined || draft.event.name === 'open') {
          this.#sessions.set(session, { count: (before?.count ?? 0) + 1, head: leaf });
        }
      },
      undo: () => {
        this.#last = lastBefore;
        if (session === undefined) return;
        if (before === undefined) this.#sessions.delete(session);
        else this.#sessions.set(session, before);
      },
    };
    return this.log.append(entry, PATIENT.has(draft.kind));
  }

  #complete(draft: Draft, by: string | undefined, place: Place | undefined): Encodable {
    const { session, event } = draft;
    // One object and no more: undefined parts are left out by the encoder.
    const at = this.#last;
    if (session === undefined) return { ...draft, v: RECORD_VERSION, at, by };
    const seq = place?.count ?? 0;
    const prev = place === undefined ? undefined : toBase64url(place.head);
    if (event === undefined || event.name === 'open')
      return { ...draft, v: RECORD_VERSION, at, by, seq, prev };
    const end = { name: event.name, count: seq, ...(prev === undefined ? {} : { head: prev }) };
    return { ...draft, v: RECORD_VERSION, at, by, seq, prev, event: end };
  }

  /** Makes room for a session that is not known yet. */
  async #park(session: string | undefined): Promise<void> {
    if (session === undefined || this.#sessions.has(session) || this.#sessions.size < SESSIONS) return;
    const oldest: string | undefined = this.#sessions.keys().next().value;
    if (oldest !== undefined)
      await this.record({ kind: 'session', session: oldest, event: { name: 'parked' } });
  }

  /** Takes an entry that is in the log already into account. */
  #replay(entry: Uint8Array): void {
    const record = decodeRecord(entry);
    if (record === null) return;
    this.#last = Math.max(this.#last, record.at);
    if (record.session === undefined) return;
    this.#sessions.delete(record.session);
    if (record.event === undefined || record.event.name === 'open') {
      this.#sessions.set(record.session, { count: (record.seq ?? 0) + 1, head: leafHash(entry) });
    }
  }

  async #restore(): Promise<void> {
    const reader = this.log.reader();
    let from = 0;
    const saved = await this.#readSessions();
    // The file is believed only if it was made of a prefix of this very log.
    if (saved !== null && saved.size <= reader.size && equal(await reader.root(saved.size), saved.root)) {
      from = saved.size;
      this.#last = saved.last;
      for (const [session, count, head] of saved.sessions) {
        this.#sessions.set(session, { count, head: fromBase64url(head) ?? new Uint8Array(32) });
      }
    }
    for (let bundle = Math.floor(from / 256); bundle * 256 < reader.size; bundle++) {
      const entries = await reader.bundle(bundle);
      entries.forEach((entry, i) => {
        if (bundle * 256 + i >= from) this.#replay(entry);
      });
    }
  }

  async #readSessions(): Promise<{
    size: number;
    root: Uint8Array;
    last: number;
    sessions: [string, number, string][];
  } | null> {
    if (this.#options.sessionsFile === undefined) return null;
    try {
      const [digest, body] = (await readFile(this.#options.sessionsFile, 'utf8')).split('\n', 2);
      if (body === undefined || digest !== toHex(nativeSha256(Buffer.from(body)))) return null;
      const { size, root, last, sessions } = JSON.parse(body) as {
        size: number;
        root: string;
        last: number;
        sessions: [string, number, string][];
      };
      return { size, last, sessions, root: fromBase64url(root) ?? new Uint8Array(0) };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Keeps the places of open sessions for the next start. */
  async save(): Promise<void> {
    const path = this.#options.sessionsFile;
    if (path === undefined) return;
    // What is published may be a little behind what the sessions say; the next start would then count twice.
    const { size, root } = await this.log.checkpoint();
    if (size !== this.log.size) return;
    const sessions = [...this.#sessions].map(([name, { count, head }]) => [name, count, toBase64url(head)]);
    const body = JSON.stringify({ size, root: toBase64url(root), last: this.#last, sessions });
    await replaceFile(path, `${toHex(nativeSha256(Buffer.from(body)))}\n${body}\n`, false);
  }

  /** Saves, and closes the log. */
  async close(): Promise<void> {
    if (this.log.failure === null) await this.save();
    await this.log.close();
  }
}
