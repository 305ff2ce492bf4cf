/** Runs in a chat of the AI SDK: the UI message stream, and a handler that `useChat` talks to. */
export { uiMessageStream, uiMessageStreamResponse, type UIStreamOptions } from './ai-sdk/stream.ts'
export type { MessageOptions } from './ai-sdk/message.ts'
export type { ChatMetadata, UIChunk } from './ai-sdk/chunks.ts'
export { createChatHandler, type Allowed, type ChatHandlerOptions } from './ai-sdk/handler.ts'
