/**
 * What a client sends, as far as it is believed: who writes what, and what is said of tool parts. The history in it is
 * never told to a model; the journal has its own.
 */
import { parseJson, type Json } from '../base/json.ts'
import { Refusal } from './refusal.ts'

export interface ChatRequest {
  readonly chatId: string
  readonly trigger: 'submit-message' | 'regenerate-message'
  readonly messageId: string | undefined
  readonly messages: readonly ChatMessage[]
}

export interface ChatMessage {
  readonly id: string | undefined
  readonly role: string
  readonly parts: readonly JsonObject[]
}

type JsonObject = { readonly [key: string]: Json }

/** An id that can be part of a run's: no dots, so that no chat is the name of a run below another. */
const CHAT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

export function checkChatId(id: unknown): string {
  if (typeof id === 'string' && CHAT_ID.test(id)) return id
  throw new Refusal(400, 'USAGE', `A chat id is 1 to 64 letters, digits, '_' or '-'.`)
}

/** @throws {Refusal} 413, 415, 400. */
export async function readChat(request: Request, maxBytes: number): Promise<ChatRequest> {
  const type = request.headers.get('content-type') ?? ''
  // What a form or a link of another site can send is none of this.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new Refusal(415, 'USAGE', 'A request to a chat is JSON: content-type application/json.')
  const body = jsonOf(await textOf(request, maxBytes))
  if (!isObject(body) || !Array.isArray(body['messages']))
    throw new Refusal(400, 'USAGE', 'A request to a chat is { id, messages, trigger? }.')
  const { id, trigger = 'submit-message', messageId } = body
  if (trigger !== 'submit-message' && trigger !== 'regenerate-message')
    throw new Refusal(400, 'USAGE', `The trigger is 'submit-message' or 'regenerate-message'.`)
  return {
    chatId: checkChatId(id),
    trigger,
    messageId: typeof messageId === 'string' ? messageId : undefined,
    messages: body['messages'].map(messageOf),
  }
}

async function textOf(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = new Refusal(413, 'USAGE', `A request to this chat has at most ${maxBytes} bytes.`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function jsonOf(text: string): Json {
  try {
    return parseJson(text, 'The request')
  } catch {
    throw new Refusal(400, 'USAGE', 'The request is not readable as JSON.')
  }
}

function messageOf(given: Json): ChatMessage {
  if (!isObject(given) || typeof given['role'] !== 'string' || !Array.isArray(given['parts']))
    throw new Refusal(400, 'USAGE', 'A message is { id, role, parts }.')
  const parts = given['parts'].filter((part: Json): part is JsonObject => isObject(part))
  if (parts.length !== given['parts'].length)
    throw new Refusal(400, 'USAGE', 'A part of a message is an object.')
  return { id: typeof given['id'] === 'string' ? given['id'] : undefined, role: given['role'], parts }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What the person wrote, if the last message is theirs. */
export interface Written {
  readonly text: string
  /** Data URLs. */
  readonly images: readonly `data:${string}`[]
}

/** @throws {Refusal} 400: an older message was edited, nothing was written, or a file is not sent along. */
export function writtenIn({ messages, messageId, trigger }: ChatRequest): Written | undefined {
  const last = messages.at(-1)
  if (trigger === 'regenerate-message' || last?.role !== 'user') return undefined
  if (messageId !== undefined && messages.some(({ id, role }) => id === messageId && role === 'user'))
    throw new Refusal(400, 'USAGE', 'What was said stays said: send a new message instead of editing one.')
  const text = last.parts
    .flatMap((part) => (part['type'] === 'text' && typeof part['text'] === 'string' ? [part['text']] : []))
    .join('\n')
  const images = last.parts.flatMap((part) => (part['type'] === 'file' ? [imageOf(part)] : []))
  if (text.trim() === '') throw new Refusal(400, 'USAGE', 'A message has words.')
  return { text, images }
}

function imageOf({ url, mediaType }: JsonObject): `data:${string}` {
  if (isDataUrl(url) && typeof mediaType === 'string' && mediaType.startsWith('image/')) return url
  throw new Refusal(400, 'USAGE', 'A file of a message is an image, sent along as a data URL.')
}

function isDataUrl(url: unknown): url is `data:${string}` {
  return typeof url === 'string' && url.startsWith('data:image/')
}
