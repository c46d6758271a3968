// Causes in the operator's words: which step failed, and what kind of error it was. The text of an error may hold
// anything, an argument or a password, so it goes to `onFault` and not into the log.
import { AmbitError } from '@ambit/core';

/** The kind of what was thrown: its name, with the system's or our code. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const name = /^[A-Za-z][\w.]{0,63}$/.test(error.name) ? error.name : 'Error';
  const code: unknown = 'code' in error ? error.code : undefined;
  const shown = error instanceof AmbitError || (typeof code === 'string' && /^[A-Z_0-9]{1,40}$/.test(code));
  return shown ? `${name} ${String(code)}` : name;
}

/** `what` threw `error`. */
export const threw = (what: string, error: unknown): string => `${what} threw ${kindOf(error)}`;

/**
 * Whether a service's own reading of a request says that the request is at fault: what JSON.parse and decodeURIComponent
 * throw for bad input, an AmbitError of that meaning, or an error with a status of 400 to 499 as frameworks make it.
 */
export function blamesRequest(error: unknown): boolean {
  if (error instanceof SyntaxError || error instanceof URIError) return true;
  if (error instanceof AmbitError) return error.code === 'request_invalid' || error.code === 'input_invalid';
  const status: unknown = typeof error === 'object' && error !== null && 'status' in error ? error.status : 0;
  return typeof status === 'number' && status >= 400 && status < 500;
}
