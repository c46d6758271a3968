// `--listen HOST:PORT`: where a server of the command line takes connections.
import { usage } from '../failure.ts';

/** Host and port; usage for what is no address. An IPv6 address stands in brackets. */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const at = /^(.+):(\d{1,5})$/.exec(text);
  if (at === null || Number(at[2]) > 65_535)
    throw usage(`--listen: expected HOST:PORT, got "${text}"`, 'such as 127.0.0.1:3100');
  return { host: at[1]!.replaceAll(/^\[|\]$/g, ''), port: Number(at[2]) };
}
