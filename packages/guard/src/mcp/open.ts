// Requests that are open on one connection, in both directions: what closes a call, and whose answer may pass.
// Bounded, because a client can ask forever and a server can stay silent forever.
import type { Permit } from '../contract.ts';
import type { Attached, Id } from '@ambit/wire/mcp';

/** Requests of one connection that may be open at a time; a client that opens more is refused. */
export const OPEN_REQUESTS = 1024;

/** A request of the client. */
export interface Open {
  readonly method: string;
  readonly attached: Attached;
  /** Null while it is being decided, and for what needs no authority. */
  permit: Permit | null;
  /** Whether it went on to the server: before that, nothing that the server says is its answer. */
  sent: boolean;
  /** Whether the client no longer waits for it. */
  cancelled: boolean;
}

/** The open requests of one connection. */
export class OpenRequests {
  readonly #client = new Map<Id, Open>();
  readonly #server = new Set<Id>();

  /** Opens a request; null when its id is in use (one answer would close the other call) or there are too many. */
  begin(id: Id, method: string, attached: Attached): Open | null {
    if (this.#client.has(id)) return null;
    if (this.#client.size >= OPEN_REQUESTS && !this.#dropCancelled()) return null;
    const open: Open = { method, attached, permit: null, sent: false, cancelled: false };
    this.#client.set(id, open);
    return open;
  }

  get(id: Id): Open | undefined {
    return this.#client.get(id);
  }

  /** The request is over. */
  end(id: Id): Open | undefined {
    const open = this.#client.get(id);
    this.#client.delete(id);
    return open;
  }

  /** The server answers; undefined for an answer to nothing that it was sent. */
  answered(id: Id): Open | undefined {
    return this.#client.get(id)?.sent === true ? this.end(id) : undefined;
  }

  /** The server asks something of the client. */
  asks(id: Id): void {
    if (this.#server.size < OPEN_REQUESTS) this.#server.add(id);
  }

  /** Whether an answer of the client is to something that the server asked; once. */
  answers(id: Id): boolean {
    return this.#server.delete(id);
  }

  /** Empties the table and gives what was in it. */
  drain(): readonly Open[] {
    const all = [...this.#client.values()];
    this.#client.clear();
    this.#server.clear();
    return all;
  }

  // A canceled request is kept for an answer that may still come, as long as there is room.
  #dropCancelled(): boolean {
    for (const [id, open] of this.#client) {
      if (open.cancelled && open.permit !== null) return this.#client.delete(id);
    }
    return false;
  }
}
