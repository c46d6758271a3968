#!/usr/bin/env node
process.exitCode = await (await import('../dist/main.js')).main(process.argv.slice(2));
