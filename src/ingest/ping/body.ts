import { readStart, textFault } from '../../http/body.ts'
import { FIELDS } from './fields.ts'

/** A ping keeps this much of its body, in bytes; more is dropped. */
export const MAX_BODY_BYTES = 100_000

export interface PingBody {
  /** What came, as text. Bytes that are no UTF-8, and NUL, are `�`. */
  text: string
  /** The fields of a form, if the body is declared as one and reads as one; those that we know. */
  form: Record<string, string>
}

/** Reads the body of a ping. What its content type says is believed only if it is true: `curl --data` calls any text a form. */
export const readPingBody = async (request: Request): Promise<PingBody> => {
  const bytes = await readStart(request, MAX_BODY_BYTES)
  if (bytes.byteLength === 0) return { text: '', form: {} }
  const text = new TextDecoder().decode(bytes).replaceAll('\0', '�')
  return { text, form: await readForm(bytes, request.headers.get('content-type') ?? '') }
}

const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i

const readForm = async (bytes: Uint8Array, type: string): Promise<Record<string, string>> => {
  if (!FORM.test(type)) return {}
  try {
    const form = await new Response(bytes, { headers: { 'content-type': type } }).formData()
    const known = FIELDS.flatMap((name) => {
      const value = form.get(name)
      return typeof value === 'string' && textFault(value) === undefined ? [[name, value] as const] : []
    })
    return Object.fromEntries(known)
  } catch {
    return {}
  }
}
