// The Model Context Protocol: a gate for servers of either SDK, and for unmodified servers behind a proxy.
// No SDK is imported; everything is structural.
export { Gate, type McpOptions, type GateVerdict } from './mcp/gate.ts';
export { CAPABILITY_KEY, COST_KEY, DENIAL_KEY, OFFER_KEY, WARNING_KEY } from '@ambit/wire/mcp';
export { proxyHttp, type HttpProxyOptions } from './mcp/http.ts';
export { configurationOf, scanStdio, type ScannedTool } from './mcp/scan.ts';
export { guardServer, guardTransport, type GuardServerOptions } from './mcp/server.ts';
export { proxyStdio, type StdioProxyOptions } from './mcp/stdio.ts';
