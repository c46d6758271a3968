// `ambit model`: which artifact a model is, who vouches for it, and whether this operator admits it.
import { digestModel, modelDigestText, signModel, verifyModel } from '@ambit/identity';
import { nodeProvider } from '@ambit/core/node';
import { CODES } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { keepAttestation, registrationIn } from '../home/configuration.ts';
import { Failure } from '../failure.ts';
import { readFile, writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { readSigner } from '../home/keyfile.ts';
import { example } from '../help.ts';

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit model digest weights/',
      'ambit keygen --type model -o platform.key',
      'ambit model sign weights/ --model razorsec-agent-v2.1 --key platform.key -o agent.att',
      'ambit model verify weights/ --attestation agent.att --keep',
    ),
  );
  defineDigest(command, cli);
  defineSign(command, cli);
  defineVerify(command, cli);
}

function defineDigest(command: Command, cli: Cli): void {
  command
    .command('digest')
    .argument('<path>', 'a file or a directory')
    .description('Measure an artifact.')
    .action(async (path: string) => {
      const { digest, artifact } = await digestModel(path);
      cli.result({ digest, kind: artifact.kind, files: artifact.files.length }, `${digest}\n`);
    });
}

function defineSign(command: Command, cli: Cli): void {
  command
    .command('sign')
    .argument('<path>', 'a file or a directory')
    .description('Attest that this artifact is that model: a DSSE envelope, as OpenSSF model signing has it.')
    .requiredOption('--model <name>', 'the model')
    .option('--key <file>', "the signer's secret key, of type model (or AMBIT_KEY_FILE)")
    .option('--bundle', 'as a Sigstore bundle')
    .option('-o, --output <file>', 'where to (default: stdout)')
    .action(
      async (
        path: string,
        f: {
          readonly model: string;
          readonly key?: string;
          readonly bundle?: boolean;
          readonly output?: string;
        },
      ) => {
        const by = await readSigner(cli, 'model', f.key);
        const { digest, text } = await signModel(path, f.model, by, { bundle: f.bundle === true });
        if (f.output === undefined)
          return cli.result(
            { model: f.model, digest, attestation: text },
            text.endsWith('\n') ? text : `${text}\n`,
          );
        writeFile(f.output, text, { mode: 0o644 });
        cli.say(`${f.model}@${digest}`);
        if (cli.json) cli.result({ model: f.model, digest, file: f.output }, '');
      },
    );
}

function defineVerify(command: Command, cli: Cli): void {
  command
    .command('verify')
    .argument('<path>', 'a file or a directory')
    .description('Check an artifact against its attestation and the configuration in force: is it admitted?')
    .requiredOption('--attestation <file>', 'the attestation')
    .option('--keep', 'keep the attestation in this home, for minting')
    .action(async (path: string, f: { readonly attestation: string; readonly keep?: boolean }) => {
      const home = new Home(cli).require();
      const registration = registrationIn(home);
      if (registration === null)
        throw new Failure(
          'file_missing',
          `${home.path}: no configuration is in force, so no signer is trusted`,
          '`ambit config apply FILE`',
        );
      const text = readFile(f.attestation, { limit: 1 << 28 }).toString('utf8');
      const answer = await verifyModel(path, text, registration.operator, { provider: nodeProvider });
      if (!answer.ok) {
        cli.exit = CODES[answer.code].exit;
        return cli.result(
          { ok: false, code: answer.code, message: answer.message },
          `${cli.paint('bad', 'refused')}: ${answer.code}: ${answer.message}\n`,
        );
      }
      const { model, signer, artifact } = answer.attestation;
      if (f.keep === true) keepAttestation(home, artifact.digest, text);
      cli.result(
        { ok: true, model, signer, kept: f.keep === true },
        `${cli.paint('good', 'admitted')}: ${model}@${modelDigestText(artifact.digest)} attested by ${signer}\n`,
      );
    });
}
