// `ambit keygen`: a key pair. The secret goes into a file of its own that is never overwritten; the public half
// beside it, and to the terminal.
import { SecretKey } from '@ambit/core';
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { writeFile } from '../home/files.ts';
import { publicHalf, secretFile } from '../home/keyfile.ts';
import { example } from '../help.ts';
import { timeText } from '../flags/times.ts';

const TYPES = ['holder', 'issuer', 'model', 'x25519'] as const;
type KeyType = (typeof TYPES)[number];

export function define(command: Command, cli: Cli): void {
  command
    .addOption(
      new Option(
        '--type <type>',
        'holder: an agent proves calls and delegates; issuer: seals tokens; model: attests model artifacts; x25519: proof sessions',
      )
        .choices(TYPES)
        .default('holder'),
    )
    .option(
      '-o, --output <file>',
      'where the secret goes (0600); its public half to FILE.pub. - is stdout, if that is a pipe',
    )
    .addHelpText(
      'after',
      example('ambit keygen --type holder -o agent.key', 'ambit keygen --type issuer -o seal.key'),
    )
    .action((flags: { readonly type: KeyType; readonly output?: string }) => {
      const { type, output } = flags;
      if (output === undefined)
        throw usage('a secret key is not printed: write it with -o FILE', 'or -o - into a pipe');
      if (output === '-' && process.stdout.isTTY)
        throw usage('a secret key is not shown on a terminal: write it with -o FILE');
      const secret = SecretKey.generate(type);
      const publicText = publicHalf(secret).toString();
      const text = secretFile(type, publicText, secret.unsafeText(), timeText(cli.now));
      if (output === '-') {
        cli.out(text);
        cli.say(`public key: ${publicText}`);
        return;
      }
      const pub = `${output}.pub`;
      // Looked at first, so that no secret is left without its public half.
      if (existsSync(pub))
        throw new Failure('file_exists', `${pub}: already exists and will not be overwritten`);
      writeFile(output, text, { mode: 0o600 });
      writeFile(pub, `${publicText}\n`, { mode: 0o644 });
      cli.say(`public key: ${publicText}`);
      if (cli.json) cli.result({ type, secret_file: output, public_file: pub, public_key: publicText }, '');
    });
}
