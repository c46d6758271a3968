// The caveats of version 1, in the order of their numbers on the wire. What is not here is unknown, and denies
// (law L2): nothing registers a caveat at run time. To add one, see CONTRIBUTING.md.
export { time } from './time.ts';
export { audience } from './audience.ts';
export { tools } from './tools.ts';
export { deny } from './deny.ts';
export { args } from './args.ts';
export { data } from './data.ts';
export { budget } from './budget.ts';
export { depth } from './depth.ts';
export { delegate } from './delegate.ts';
export { seal } from './seal.ts';
export { http } from './http.ts';
export { net } from './net.ts';
export { once } from './once.ts';
export { note } from './note.ts';
export { flow } from './flow.ts';
