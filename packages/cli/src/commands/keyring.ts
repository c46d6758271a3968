// `ambit keyring`: the issuer's root keys. Rotation adds a key and keeps the old one live until it is retired;
// services are given keys derived for their audience, never a root key.
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit keyring list',
      'ambit keyring rotate',
      'ambit keyring export --audience search.acme.com -o search.keys',
    ),
  );

  command
    .command('list')
    .description('Show key ids and which one mints.')
    .action(() => {
      const { issuer, keys } = new Home(cli).keyStates;
      cli.result({ issuer, keys: keys.map((k) => ({ key_id: k.keyId, status: k.status })) }, () =>
        [`issuer ${issuer ?? '(not named yet)'}`, ...keys.map((k) => `${k.keyId.padEnd(6)} ${k.status}`)]
          .map((l) => `${l}\n`)
          .join(''),
      );
    });

  command
    .command('rotate')
    .description('Add a key that mints from now on; the old one stays live until it is retired.')
    .action(async () => {
      const keyring = await new Home(cli).changeKeyring((k) => k.rotate());
      const { keyId } = keyring.current;
      cli.say(`${keyId} mints from now on; export it to every service before you rely on it`);
      if (cli.json) cli.result({ current: keyId }, '');
    });

  command
    .command('retire')
    .argument('<key-id>', 'the key whose tokens are refused from now on')
    .description('Retire a key: every token minted under it is refused.')
    .action(async (keyId: string) => {
      await new Home(cli).changeKeyring((k) => k.retire(keyId));
      cli.say(`${keyId} is retired; export the keys again so that services refuse its tokens by name`);
      if (cli.json) cli.result({ retired: keyId }, '');
    });

  command
    .command('export')
    .description(
      "Write the verification keys of one service: with them it can check, and mint, its own audience's tokens.",
    )
    .requiredOption('--audience <name>', 'the service')
    .option('-o, --output <file>', 'where the keys go (0600); - is stdout, if that is a pipe')
    .action((flags: { readonly audience: string; readonly output?: string }) => {
      const { audience, output } = flags;
      if (output === undefined)
        throw usage('verification keys are secret: write them with -o FILE', 'or -o - into a pipe');
      if (output === '-' && process.stdout.isTTY)
        throw usage('secret keys are not shown on a terminal: write them with -o FILE');
      const { keyring } = new Home(cli);
      if (keyring === null)
        throw new Failure(
          'key_unknown',
          'the keyring has no issuer name yet, so there is nothing to verify',
          'mint a token first, or `ambit init --issuer NAME` in a new home',
        );
      const keys = keyring.exportFor(audience);
      const text = `# ambit verification keys of ${keyring.issuer} for ${audience}: keep them to that service\n${keys.map((k) => `${k.unsafeText()}\n`).join('')}`;
      if (output === '-') return cli.out(text);
      writeFile(output, text, { mode: 0o600 });
      cli.say(`${keys.length} ${keys.length === 1 ? 'key' : 'keys'} for ${audience} in ${output}`);
      if (cli.json)
        cli.result(
          { audience, file: output, keys: keys.map((k) => ({ key_id: k.keyId, retired: k.retired })) },
          '',
        );
    });
}
