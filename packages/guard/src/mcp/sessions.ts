// Which gate serves which session of a streamable HTTP server. Bounded; the session unused longest goes first.
import type { Gate } from './gate.ts';

/** Gates by session id. */
export class GateTable {
  readonly #gates = new Map<string, Gate>();
  readonly #limit: number;
  readonly #make: () => Gate;

  constructor(limit: number, make: () => Gate) {
    if (!(limit > 0)) throw new RangeError('sessions: expected a number above 0');
    this.#limit = limit;
    this.#make = make;
  }

  /** The session's gate, or a new one that is not kept yet. */
  of(session: string | null): Gate {
    const known = session === null ? undefined : this.#gates.get(session);
    if (known === undefined || session === null) return this.#make();
    this.#gates.delete(session);
    this.#gates.set(session, known);
    return known;
  }

  /** Keeps a gate for a session that the server has accepted. */
  keep(session: string | null, gate: Gate): void {
    if (session === null || this.#gates.has(session)) return;
    this.#gates.set(session, gate);
    const oldest = this.#gates.keys().next();
    if (this.#gates.size > this.#limit && oldest.done !== true) void this.end(oldest.value);
  }

  /** The session is over, and with it what was open in it. */
  async end(session: string | null): Promise<void> {
    const gate = session === null ? undefined : this.#gates.get(session);
    if (session !== null) this.#gates.delete(session);
    await gate?.close();
  }
}
