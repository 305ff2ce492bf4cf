/** Names that a model knows from elsewhere, and what there is here instead: said where the code fails for one. */
;(function absences() {
  'use strict'
  return {
    __proto__: null,
    require: 'Nothing can be imported here; the tools are the only way out.',
    process: 'There is no process here; the tools are the only way out.',
    fetch: 'There is no network here; use a tool.',
    Buffer: 'Use Uint8Array (toBase64, fromBase64, toHex, fromHex) with TextEncoder and TextDecoder.',
    XMLHttpRequest: 'There is no network here; use a tool.',
    WebSocket: 'There is no network here; use a tool.',
    EventSource: 'There is no network here; use a tool.',
    Headers: 'There is no network here; use a tool.',
    Request: 'There is no network here; use a tool.',
    Response: 'There is no network here; use a tool.',
    FormData: 'There is no network here; use a tool.',
    Blob: 'Use Uint8Array, with TextEncoder and TextDecoder.',
    fs: 'There are no files here; use a tool.',
    path: 'Nothing can be imported here; a path is a string.',
    module:
      'Nothing can be imported or exported here; what is declared at the top level stays for the later steps.',
    exports:
      'Nothing can be imported or exported here; what is declared at the top level stays for the later steps.',
    __dirname: 'There are no files here; use a tool.',
    __filename: 'There are no files here; use a tool.',
    document: 'There is no page here: this is no browser.',
    window: 'This is no browser; the global object is globalThis.',
    localStorage: 'What is declared at the top level stays for the later steps.',
    Temporal: 'Use Date and Intl.DateTimeFormat.',
    WebAssembly: 'There is no WebAssembly here.',
    Worker: 'There are no threads here; Promise.all runs tools at the same time.',
    Atomics: 'There are no threads here; Promise.all runs tools at the same time.',
    WeakRef: 'Use a Map or a WeakMap.',
    FinalizationRegistry: 'There is none here: nothing tells when memory is freed.',
  }
})
