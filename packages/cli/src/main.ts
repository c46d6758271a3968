// The entry of the `ambit` command. What needs nothing is answered before anything is loaded.
import { version } from './version.ts';

/** Runs the command line; gives its exit state. */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`ambit ${version()}\n`);
    return 0;
  }
  return (await import('./run.ts')).run(argv);
}
