import { ApiError, type Issue, validationFault } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'

const MAX_BYTES = 1024 * 1024
/** A larger body is read to its end, up to this: a client that still sends does not hear the answer. */
const MAX_DRAINED_BYTES = 8 * MAX_BYTES
/** Deeper than real metadata, and far below the depth at which PostgreSQL or the JSON writer runs out of stack. */
const MAX_DEPTH = 100

const TOO_DEEP = `Nested deeper than ${MAX_DEPTH} levels`
const MAX_ISSUES = 20

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/

/**
 * The request's body as parsed JSON; undefined if it is empty. A missing content type means JSON.
 * Throws 415 for another content type, 413 over 1 MiB, 400 if the body is not JSON in UTF-8 or its chunks cannot be read, 499 if
 * the client hangs up, and 422 for text or numbers
 * that PostgreSQL cannot store (NUL, lone surrogates, numbers beyond a double) or nesting deeper than 100.
 */
export const readBody = async (request: Request): Promise<unknown> => {
  const contentType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (contentType && !JSON_TYPE.test(contentType)) {
    throw new ApiError('unsupported_media_type', `Content type ${contentType.slice(0, 100)} is not supported: send application/json`)
  }
  const bytes = await readBytes(request)
  if (bytes.byteLength === 0) return undefined
  const value = parseBytes(bytes)
  const issues: Issue[] = []
  inspect(value, ['body'], issues, { expansion: 0 })
  if (issues.length > 0) throw validationFault(issues)
  return value
}

const parseBytes = (bytes: Uint8Array): unknown => {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch (error) {
    // parseJson is recursive if a number is large: deep nesting then exceeds the stack.
    if (error instanceof RangeError) throw validationFault([{ loc: ['body'], msg: TOO_DEEP, type: 'too_deep' }])
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8'
    throw new ApiError('malformed_json', `The body is not valid JSON: ${reason}`)
  }
}

/** Reads at most MAX_BYTES. The announced length is only a hint: some clients send none. */
const readBytes = async (request: Request): Promise<Uint8Array> => {
  if (!request.body) return new Uint8Array()
  const announced = request.headers.get('content-length')
  try {
    if (announced !== null && Number(announced) <= MAX_BYTES) return new Uint8Array(await request.arrayBuffer())
    return await readChunks(request.body)
  } catch (error) {
    throw error instanceof ApiError ? error : unreadable(error)
  }
}

const readChunks = async (body: ReadableStream<Uint8Array>): Promise<Uint8Array> => {
  const { chunks, size } = await takeChunks(body, MAX_BYTES)
  if (size > MAX_BYTES) throw new ApiError('body_too_large', 'The body is larger than 1 MiB (1,048,576 bytes)')
  return join(chunks, size)
}

/**
 * The body as parsed JSON, whatever its content type, unpacked if it is compressed. `maxBytes` counts what is unpacked. Throws 413 over
 * that, and 400 if it is no JSON or cannot be read. Its text may not be storable.
 */
export const readAnyJson = async (request: Request, maxBytes: number): Promise<unknown> => {
  if (!request.body) return parseBytes(new Uint8Array())
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase()
  const isPacked = encoding === 'gzip' || encoding === 'deflate'
  const body = isPacked ? request.body.pipeThrough(new DecompressionStream(encoding)) : request.body
  try {
    const { chunks, size } = await takeChunks(body as ReadableStream<Uint8Array>, maxBytes)
    if (size > maxBytes) throw new ApiError('body_too_large', `The body is larger than ${maxBytes / MAX_BYTES} MiB, unpacked`)
    return parseBytes(join(chunks, size))
  } catch (error) {
    throw error instanceof ApiError ? error : unreadable(error)
  }
}

/** The first bytes of a body; the rest is read, and dropped. */
export const readStart = async (request: Request, maxBytes: number): Promise<Uint8Array> => {
  if (!request.body) return new Uint8Array()
  try {
    const { chunks } = await takeChunks(request.body, maxBytes)
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    return join(chunks, size)
  } catch (error) {
    throw unreadable(error)
  }
}

/** Reads a stream to its end, or far enough. Keeps its first `maxBytes`; `size` counts all. */
const takeChunks = async (body: ReadableStream<Uint8Array>, maxBytes: number): Promise<{ chunks: Uint8Array[]; size: number }> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size))
    size += chunk.byteLength
    if (size > MAX_DRAINED_BYTES) break
  }
  return { chunks, size }
}

const join = (chunks: readonly Uint8Array[], size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/** workerd's words for a connection that the client has closed. */
const HUNG_UP = /connection (lost|closed)|disconnected/i

const unreadable = (error: unknown): ApiError =>
  HUNG_UP.test(String(error))
    ? new ApiError('client_closed_request', 'The client closed the connection before the end of its body')
    : new ApiError('malformed_body', 'The body cannot be read: its chunks are malformed')

/** Adds the faults of a value to `issues`. `loc` is one array for the whole walk, and is copied only for a fault. */
const inspect = (value: unknown, loc: (string | number)[], issues: Issue[], seen: { expansion: number }): void => {
  if (issues.length >= MAX_ISSUES) return
  if (typeof value === 'string') inspectText(value, loc, issues)
  if (typeof value === 'number') inspectNumber(value, loc, issues, seen)
  if (value === null || typeof value !== 'object') return
  if (loc.length > MAX_DEPTH) {
    issues.push({ loc: loc.slice(0, 5), msg: TOO_DEEP, type: 'too_deep' })
    return
  }
  const parts = value as Record<string, unknown>
  for (const key in parts) {
    loc.push(Array.isArray(value) ? Number(key) : key)
    if (!Array.isArray(value)) inspectText(key, loc, issues)
    inspect(parts[key], loc, issues, seen)
    loc.pop()
  }
}

/** jsonb writes 1e308 as 309 digits: a small body could become a row that is too large for any answer. */
const inspectNumber = (value: number, loc: (string | number)[], issues: Issue[], seen: { expansion: number }): void => {
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e21 || size < 1e-6)) seen.expansion += Math.abs(Math.log10(size))
  if (Number.isFinite(value) && seen.expansion <= MAX_BYTES) return
  issues.push({ loc: [...loc], msg: 'Number is out of range', type: 'number_out_of_range' })
}

/** PostgreSQL's text and jsonb can store every Unicode character except NUL, and no half of a surrogate pair. */
export const textFault = (text: string): string | undefined => {
  if (text.includes('\0')) return 'Text must not contain the NUL character'
  if (!text.isWellFormed()) return 'Text must be valid Unicode (it has a lone surrogate)'
  return undefined
}

const inspectText = (text: string, loc: (string | number)[], issues: Issue[]): void => {
  const fault = textFault(text)
  if (fault)
    issues.push({ loc: loc.map((part) => (typeof part === 'string' ? part.toWellFormed() : part)), msg: fault, type: 'text_not_storable' })
}
