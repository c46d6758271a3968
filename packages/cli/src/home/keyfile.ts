// Key files: a text of a few comment lines and the key, as people can read and tools can grep. The secret half is
// for its owner alone; the public half is beside it in `.pub` and may be shared.
import { nodeProvider } from '@ambit/core/node';
import { CODES, publicKey, PublicKey, SecretKey, signer, VerificationKey, AmbitError } from '@ambit/core';
import type { PublicUse, Signer } from '@ambit/core';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { readSecret, readText } from './files.ts';

/** The text of a secret key file. */
export const secretFile = (use: string, publicText: string, secret: string, created: string): string =>
  `# ambit ${use} key: keep it to yourself\n# created: ${created}\n# public key: ${publicText}\n${secret}\n`;

/** Names the input in an error about a key. */
export function inContext<T>(what: string, source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AmbitError) || error instanceof Failure) throw error;
    const where = source === '-' ? 'stdin' : source.startsWith('amb') ? 'the text given' : source;
    throw new Failure(
      error.code,
      `${what}: ${where}: ${error.message || CODES[error.code].sentence}`,
      undefined,
      { cause: error },
    );
  }
}

/** A secret key from a file, `-`, or the file that AMBIT_KEY_FILE names. */
async function readSecretKey<U extends 'holder' | 'issuer' | 'model' | 'x25519'>(
  cli: Cli,
  use: U,
  source: string | undefined,
): Promise<SecretKey<U>> {
  const from = source ?? cli.env['AMBIT_KEY_FILE'];
  if (from === undefined || from === '')
    throw usage(`the ${use}'s secret key is needed: --key FILE, or AMBIT_KEY_FILE`);
  const [text = '', ...more] = await readSecret(cli, 'the key', from, `ambsec_${use}_`);
  if (more.length > 0) throw new Failure('key_invalid', `${from}: holds more than one key`);
  return inContext('the key', from, () => SecretKey.parse(use, text));
}

/** A holder's or issuer's signer, by node:crypto. */
export async function readSigner<U extends 'holder' | 'issuer' | 'model'>(
  cli: Cli,
  use: U,
  source: string | undefined,
): Promise<Signer<U>> {
  return signer(await readSecretKey(cli, use, source), nodeProvider);
}

/** A public key: its text, or a file that holds it. A secret key file is refused, though its public half is known. */
export async function readPublicKey<U extends PublicUse>(
  cli: Cli,
  use: U,
  source: string,
): Promise<PublicKey<U>> {
  const text = await readText(cli, `the ${use}'s public key`, source).catch((error: unknown) => {
    const hint =
      error instanceof Failure && error.code === 'input_invalid' && /^(?!.*\.pub$).*\.key$/.test(source);
    throw hint
      ? new Failure('key_invalid', `${source}: is not a public key`, `the public half is in ${source}.pub`)
      : error;
  });
  return inContext(`the ${use}'s public key`, source, () => PublicKey.parse(use, text));
}

/** The public half. */
export const publicHalf = <U extends PublicUse>(secret: SecretKey<U>): PublicKey<U> =>
  publicKey(secret, nodeProvider);

/** Verification keys from a file made by `ambit keyring export`: one a line. */
export async function readVerificationKeys(cli: Cli, source: string): Promise<readonly VerificationKey[]> {
  const lines = await readSecret(cli, 'the verification keys', source, 'ambsec_verification_');
  return inContext('the verification keys', source, () => lines.map((text) => VerificationKey.parse(text)));
}
