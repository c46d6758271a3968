// What a tool gave back, as values whose origin can be followed: MCP results by their structured content or their
// texts, texts that are JSON by what they say, anything else as it is.
import { utf8 } from '@ambit/core';
import type { JsonValue } from '@ambit/behavior';

/** The most characters of one result that are looked at; the rest counts as come in all the same. */
const LOOKED_AT = 262_144;

const isObject = (x: unknown): x is { readonly [key: string]: unknown } =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

function fromText(text: string): JsonValue {
  const part = text.slice(0, LOOKED_AT);
  if (/^\s*[[{]/.test(part)) {
    try {
      return JSON.parse(part) as JsonValue;
    } catch {
      // A text like any other.
    }
  }
  return part;
}

/** The content of a result, and its size in bytes. */
export function contentOf(value: unknown): { readonly json: JsonValue; readonly bytes: number } {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  const bytes = utf8(text).length;
  if (isObject(value)) {
    if (isObject(value['structuredContent']))
      return { json: fromText(JSON.stringify(value['structuredContent'])), bytes };
    const parts = [value['content'], value['contents'], value['messages']].find(Array.isArray) as
      unknown[] | undefined;
    if (parts !== undefined) {
      const texts = parts.flatMap((part) => {
        const inner: unknown = isObject(part) && isObject(part['content']) ? part['content'] : part;
        return isObject(inner) && typeof inner['text'] === 'string' ? [fromText(inner['text'])] : [];
      });
      return { json: texts.length === 1 ? texts[0]! : texts, bytes };
    }
  }
  return { json: fromText(text), bytes };
}
